"""Grants that nobody uses are listed, acknowledged until a date, or revoked."""

from __future__ import annotations

import io
import json
import tracemalloc
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from api_guard import grants, ledger
from api_guard.core.ledger import Event
from api_guard.grants import Claimed, GrantError, System, Why
from api_guard.grants import disused as module
from api_guard.models import (
    LedgerRecord,
    ScopeGrant,
    ScopeUse,
    ScopeUseTracking,
    recorded,
)
from tests.test_authorities import SCOPES, managing, nora, refusal  # noqa: F401

pytestmark = pytest.mark.django_db
CODE = System("a test")


def ago(days, **more):
    return timezone.now() - timedelta(days=days, **more)


def soon(days):
    return timezone.now() + timedelta(days=days)


def age(row, days, used=None):
    """Make a grant older, and used so many days ago."""
    with recorded():
        ScopeGrant.objects.filter(pk=row.pk).update(granted_at=ago(days))
    if used is not None:
        ScopeUse.objects.update_or_create(pk=row.pk, defaults={"last_used_at": ago(used)})


def tracked(days):
    """Let uses be recorded for so many days."""
    ScopeUseTracking.objects.all().delete()
    ScopeUseTracking.objects.create(pk=1, since=ago(days), seen_at=timezone.now())


def listed(days=90, **only):
    return {(each.row.pk, each.why) for each in grants.unused(days, **only)}


def run(*options, command="guard_unused"):
    out = io.StringIO()
    call_command(command, *options, stdout=out)
    return out.getvalue()


@pytest.fixture
def rows(alice, bob, give, settings):
    """Grants of all kinds, with what is listed of them after 90 days."""
    settings.API_GUARD = {
        **settings.API_GUARD,
        "SCOPES": {**settings.API_GUARD["SCOPES"], "old:read": "Gone"},
    }
    group = Group.objects.create(name="crew")
    never, used, young, revoked = give(
        alice, "notes:read", "notes:write", "notes:publish", "audit:read"
    )
    long_ago, everyday = give(group, "notes:read", "notes:write")
    inactive, undeclared = give(bob, "notes:read", "old:read")
    for row in (never, revoked):
        age(row, 100)
    age(used, 100, used=89)
    age(long_ago, 200, used=91)
    age(everyday, 200, used=0)
    grants.revoke(revoked, by=CODE)
    bob.is_active = False
    bob.save()
    declared = {k: v for k, v in settings.API_GUARD["SCOPES"].items() if k != "old:read"}
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": declared}
    tracked(100)
    return {
        "never": never,
        "used": used,
        "young": young,
        "long ago": long_ago,
        "everyday": everyday,
        "inactive": inactive,
        "undeclared": undeclared,
    }


# Listed


def test_what_was_not_used_and_what_has_no_effect_is_listed(rows):
    assert listed() == {
        (rows["never"].pk, Why.UNUSED),
        (rows["long ago"].pk, Why.UNUSED),
        (rows["inactive"].pk, Why.INACTIVE),
        (rows["undeclared"].pk, Why.UNDECLARED),
    }


@pytest.mark.parametrize("why", list(Why))
def test_one_kind_alone_can_be_listed(rows, why):
    assert {found for _pk, found in listed(only=[why])} == {why}


def test_a_row_of_two_kinds_is_named_by_the_one_that_is_asked_for(rows):
    age(rows["undeclared"], 100)
    assert (rows["undeclared"].pk, Why.INACTIVE) in listed(only=[Why.INACTIVE])
    assert (rows["undeclared"].pk, Why.UNUSED) in listed(only=[Why.UNUSED])


def test_the_window_decides(rows):
    assert (rows["used"].pk, Why.UNUSED) in listed(88)
    assert listed(400, only=[Why.UNUSED]) == set()


def test_a_use_may_be_later_than_it_was_written(rows, settings):
    """At most once per interval is written."""
    assert (rows["long ago"].pk, Why.UNUSED) in listed()
    settings.API_GUARD = {**settings.API_GUARD, "LAST_USED_INTERVAL": 2 * 86400}
    assert (rows["long ago"].pk, Why.UNUSED) not in listed()


def test_a_group_that_one_member_used_is_used(api, alice, rows):
    age(rows["long ago"], 200, used=0)
    assert (rows["long ago"].pk, Why.UNUSED) not in listed()


def test_an_expired_grant_is_not_listed(rows):
    with recorded():
        ScopeGrant.objects.update(expires_at=timezone.now())
    assert listed() == set()


def test_users_without_a_flag_are_never_inactive(rows, monkeypatch):
    monkeypatch.setattr(module, "_has_flag", lambda: False)
    assert listed(only=[Why.INACTIVE]) == set()


def test_the_flag_is_that_of_the_user_model(monkeypatch):
    assert module._has_flag()
    user = ScopeGrant._meta.get_field("user").related_model

    def missing(name):
        raise module.FieldDoesNotExist

    monkeypatch.setattr(user._meta, "get_field", missing)
    assert not module._has_flag()


def test_pages_follow_each_other(rows, monkeypatch):
    found = listed()
    monkeypatch.setattr(module, "_PAGE", 1)
    assert listed() == found


@pytest.mark.skipif(connection.vendor != "sqlite", reason="memory is the same everywhere")
def test_a_long_list_takes_no_more_memory_than_a_short_one(alice):
    with recorded():
        ScopeGrant.objects.bulk_create(
            [ScopeGrant(scope=f"old:{n}", user=alice, granted_at=ago(100)) for n in range(5000)],
            batch_size=500,
        )

    tracemalloc.start()
    count = sum(1 for _ in grants.unused(90))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 5000
    assert most < 4_000_000


# Acknowledged


def test_a_grant_that_is_kept_is_not_listed_until_the_date(rows, manager):
    row = grants.keep(rows["never"], until=soon(30), by=manager, reason="for the audit")
    assert (row.pk, Why.UNUSED) not in listed()
    with recorded():
        ScopeGrant.objects.filter(pk=row.pk).update(kept_until=timezone.now())
    assert (row.pk, Why.UNUSED) in listed()


def test_keeping_can_end(rows, manager):
    grants.keep(rows["never"], until=soon(30), by=manager)
    assert grants.keep(rows["never"], until=None, by=manager).kept_until is None
    assert (rows["never"].pk, Why.UNUSED) in listed()


def test_keeping_is_recorded_and_verified(rows, manager):
    with recorded():
        ScopeGrant.objects.exclude(pk=rows["never"].pk).delete()
    said = list(map(str, grants.differences()))
    grants.keep(rows["never"], until=soon(30), by=manager, reason="for the audit")
    assert LedgerRecord.objects.filter(event=Event.KEEP).count() == 1
    assert list(map(str, grants.differences())) == said
    assert list(ledger.verify(ledger.Tally())) == []
    with recorded():
        ScopeGrant.objects.filter(pk=rows["never"].pk).update(kept_until=soon(3000))
    name = f"grant {rows['never'].pk}"
    [found] = [str(each) for each in grants.differences() if each.row == name]
    assert "its keep date is" in found
    assert grants.adopt(by=CODE) >= 1
    assert not [each for each in grants.differences() if "keep date" in str(each)]


@pytest.mark.parametrize(
    ("until", "code"), [(ago(1), "past"), (timezone.now().replace(tzinfo=None), "past")]
)
def test_a_date_in_the_past_is_refused(rows, manager, until, code):
    with pytest.raises(GrantError) as error:
        grants.keep(rows["never"], until=until, by=manager)
    assert error.value.code == code


def test_a_grant_that_has_ended_cannot_be_kept(rows, manager):
    grants.revoke(rows["never"], by=CODE)
    with pytest.raises(GrantError) as error:
        grants.keep(rows["never"], until=soon(1), by=manager)
    assert error.value.code == "already_revoked"
    with recorded():
        ScopeGrant.objects.filter(pk=rows["used"].pk).update(expires_at=ago(1))
    with pytest.raises(GrantError) as error:
        grants.keep(rows["used"], until=soon(1), by=manager)
    assert error.value.code == "expired"


def test_nobody_keeps_a_grant_of_their_own_or_without_authority(rows, alice, bob, manager, give):
    mine, *_ = give(manager, "notes:read")
    crew = Group.objects.get()
    for row, by, code in (
        (rows["never"], alice, "no_authority"),
        (mine, manager, "own_grant"),
    ):
        with pytest.raises(GrantError) as error:
            grants.keep(row, until=soon(1), by=by)
        assert error.value.code == code
    # Who may grant everything may keep what its group holds.
    manager.groups.add(crew)
    assert grants.keep(rows["long ago"], until=soon(1), by=manager).kept_until is not None


def test_the_command_keeps_by_number(rows, alice):
    number = str(rows["never"].pk)
    assert "is kept until 2099-01-31" in run(
        number, "--until", "2099-01-31", "--by", "alice", command="guard_keep"
    )
    assert "no longer kept" in run(number, "--end", command="guard_keep")
    with pytest.raises(CommandError, match="does not exist") as error:
        run("99999", number, "--until", "2001-01-01", command="guard_keep")
    assert "in the past" in str(error.value)
    with pytest.raises(CommandError, match="is not a time"):
        run(number, "--until", "tomorrow", command="guard_keep")


# Revoked


def test_what_is_listed_is_revoked_with_a_reason(rows):
    expected = listed()
    found = {(each.row.pk, each.why) for each in grants.revoke_unused(90, by=CODE)}
    assert found == expected
    assert listed() == set()
    row = grants.get(rows["never"].pk)
    assert row.revoked_reason == "not used for 90 days"
    assert grants.get(rows["used"].pk).is_live()
    assert LedgerRecord.objects.filter(event=Event.REVOKE).count() == len(expected) + 1


def test_what_was_used_since_it_was_listed_is_not_revoked(rows, monkeypatch):
    monkeypatch.setattr(module, "_PAGE", 1)
    found = grants.revoke_unused(90, by=CODE)
    first = next(found)
    real = module.in_transaction

    def use_first(change):
        ScopeUse.objects.update_or_create(
            pk=rows["long ago"].pk, defaults={"last_used_at": timezone.now()}
        )
        return real(change)

    monkeypatch.setattr(module, "in_transaction", use_first)
    assert rows["long ago"].pk not in {first.row.pk, *(each.row.pk for each in found)}
    assert grants.get(rows["long ago"].pk).is_live()


@pytest.mark.parametrize("recorded_days", [None, 0, 89])
def test_nothing_is_revoked_where_uses_were_not_recorded_all_the_time(rows, recorded_days):
    if recorded_days is None:
        ScopeUseTracking.objects.all().delete()
    else:
        tracked(recorded_days)
    with pytest.raises(GrantError) as error:
        grants.revoke_unused(90, by=CODE)
    assert error.value.code == "not_tracked"
    with pytest.raises(CommandError, match="Nothing was revoked"):
        run("--revoke")
    assert grants.get(rows["never"].pk).is_live()
    # What has no effect needs no recording.
    kinds = [Why.INACTIVE, Why.UNDECLARED]
    assert len(list(grants.revoke_unused(90, by=CODE, only=kinds))) == 2


def test_after_a_gap_in_the_recording_nothing_is_revoked(rows):
    ScopeUseTracking.objects.update(seen_at=ago(8))
    with pytest.raises(GrantError) as error:
        grants.revoke_unused(90, by=CODE)
    assert error.value.code == "not_tracked"


def test_a_user_revokes_what_it_manages_or_nothing(rows, alice, manager, settings):
    settings.API_GUARD = {**settings.API_GUARD, "EVERYONE_GROUP": "crew"}
    with pytest.raises(GrantError) as error:
        grants.revoke_unused(90, by=alice)
    assert error.value.code == "no_authority"
    assert grants.get(rows["never"].pk).is_live()
    assert len(list(grants.revoke_unused(90, by=manager))) == 4


@pytest.mark.django_db
def test_who_manages_a_scope_does_not_revoke_it_from_everyone(alice, settings):
    settings.API_GUARD = {
        **settings.API_GUARD,
        "SCOPES": {"notes:read": {"description": "Read", "group": "notes"}},
        "EVERYONE_GROUP": "everyone",
    }
    crew, everyone = (Group.objects.create(name=name) for name in ("crew", "everyone"))
    alice.groups.add(crew)
    grants.authorize(crew, "notes", by=CODE)
    row = grants.grant("notes:read", everyone, by=CODE)
    age(row, 100)
    tracked(100)
    with pytest.raises(GrantError) as error:
        grants.revoke_unused(90, by=alice)
    assert error.value.code == "no_authority"
    settings.API_GUARD = {**settings.API_GUARD, "EVERYONE_GROUP": "all"}
    assert [each.row.pk for each in grants.revoke_unused(90, by=alice)] == [row.pk]


# The command


def test_it_is_dry_by_default_and_says_so(rows):
    text = run()
    assert f"grant {rows['never'].pk}: notes:read for user alice, never used, granted" in text
    assert "last used" in text
    assert "its user is inactive" in text
    assert "its scope is not declared" in text
    assert "Uses are recorded since" in text
    assert "4 grants. Nothing was changed." in text
    assert len(listed()) == 4
    assert "1 grant. Nothing" in run("--only", "undeclared")


def test_it_revokes_and_says_what(rows, alice):
    text = run("--revoke", "--by", "alice", "--reason", "spring cleaning")
    assert "Revoked 4 grants." in text
    assert grants.get(rows["never"].pk).revoked_reason == "spring cleaning"
    assert grants.get(rows["never"].pk).revoked_by == alice


def test_it_writes_json(rows):
    found = json.loads(run("--format", "json"))
    assert found["revoked"] is False
    assert found["tracked_since"] is not None
    assert {each["why"] for each in found["grants"]} == {why.value for why in Why}
    first = next(each for each in found["grants"] if each["grant"] == rows["long ago"].pk)
    assert first["group"] == "crew"
    assert first["last_used_at"] is not None


def test_without_a_recording_it_lists_and_says_so(rows):
    ScopeUseTracking.objects.all().delete()
    assert "No use was recorded in the last seven days." in run()
    assert json.loads(run("--format", "json"))["tracked_since"] is None


@pytest.mark.parametrize("days", ["0", "-1", "99999999"])
def test_a_wrong_number_of_days_is_refused(days):
    with pytest.raises(CommandError, match="--days must be from 1"):
        run("--days", days)


def test_a_reason_that_cannot_be_stored_is_refused_before(rows):
    with pytest.raises(CommandError, match="Nothing was revoked"):
        run("--revoke", "--reason", "x" * 501)


def test_a_claimed_name_needs_no_authority(rows):
    assert len(list(grants.revoke_unused(90, by=Claimed("ada")))) == 4


def test_the_number_of_queries_does_not_grow_with_the_list(rows):
    with CaptureQueriesContext(connection) as queries:
        list(grants.unused(90))
    assert len(queries) == 3
