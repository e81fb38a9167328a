"""What the table of grants holds and refuses, in the same way on every database."""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core import serializers
from django.core.exceptions import ValidationError
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.translation import gettext_lazy

from api_guard import grants
from api_guard.grants import GrantError
from api_guard.models import RateOverride, ScopeGrant, recorded
from tests.admin_forms import ADD, LIST, choose, giving

pytestmark = pytest.mark.django_db


def refusal(code):
    return pytest.raises(GrantError, check=lambda error: error.code == code)


def held_by(user):
    return grants.granted(user, None)[0].user


# A reason


UNKEPT = [
    ("x" * 501, "max_length"),
    ("é" * 501, "max_length"),
    ("a\0b", "null_character"),
    ("\x01\0", "null_character"),
    ("half a pair \ud83d", "surrogate"),
    (None, "null"),
]


@pytest.mark.parametrize(("reason", "code"), UNKEPT)
def test_a_reason_that_cannot_be_kept_is_refused_before_anything_is_written(alice, reason, code):
    row = grants.grant("notes:read", alice, by=grants.System("a test"))
    later = timezone.now() + timedelta(days=1)
    for refused in (
        lambda: grants.grant("notes:write", alice, reason=reason, by=grants.System("a test")),
        lambda: grants.ensure("notes:write", alice, reason=reason, by=grants.System("a test")),
        lambda: grants.extend(row, later, reason=reason, by=grants.System("a test")),
        lambda: grants.revoke(row, reason=reason, by=grants.System("a test")),
        lambda: grants.revoke_all(alice, reason=reason, by=grants.System("a test")),
    ):
        with refusal(code) as caught:
            refused()
        assert str(caught.value).startswith("The reason is not valid. ")
    assert held_by(alice) == {"notes:read"}
    assert grants.get(row.pk).expires_at is None


@pytest.mark.parametrize("reason", ["x" * 500, "🎈" * 500, "two\nlines", gettext_lazy("Yes"), ""])
def test_a_reason_that_can_be_kept_is(alice, reason):
    row = grants.grant("notes:read", alice, reason=reason, by=grants.System("a test"))
    assert grants.revoke(row, reason=reason, by=grants.System("a test")).revoked_reason == str(
        reason
    )
    grants.grant("notes:read", alice, by=grants.System("a test"))
    assert grants.revoke_all(alice, reason=reason, by=grants.System("a test")) == 1
    assert ScopeGrant.objects.filter(revoked_reason=str(reason)).count() == 2


def test_the_admin_says_so_on_its_forms(client, admin_user, alice):
    client.force_login(admin_user)
    row = grants.grant("notes:read", alice, by=grants.System("a test"))
    asked = {
        choose(client, "revoke", [row.pk]): {"seen": 1},
        f"{LIST}end-access/": {"user": alice.pk, "client": "", "revoke_grants": "on"},
        ADD: giving(alice, scopes=["notes:write"]),
    }
    for url, data in asked.items():
        for reason, said in (("x" * 501, "at most 500 characters (it has 501)"), ("\0", "Null")):
            answer = client.post(url, {**data, "reason": reason})
            assert (answer.status_code, said in answer.content.decode()) == (200, True), url
    assert held_by(alice) == {"notes:read"}


# One unrevoked grant of a scope


def test_a_row_is_live_until_it_is_revoked_whoever_writes_it(alice):
    row = grants.grant("notes:read", alice, by=grants.System("a test"))
    assert (row.live, grants.get(row.pk).live) == (1, 1)
    assert grants.revoke(row, by=grants.System("a test")).live is None
    with recorded():
        ScopeGrant.objects.filter(pk=row.pk).update(revoked_at=None)
    assert grants.get(row.pk).live == 1
    with connection.cursor() as cursor:
        cursor.execute("UPDATE api_guard_scopegrant SET revoked_at = granted_at")
    assert grants.get(row.pk).live is None


def test_an_old_row_cannot_come_back_to_life_beside_another(alice):
    old = grants.revoke(
        grants.grant("notes:read", alice, by=grants.System("a test")), by=grants.System("a test")
    )
    grants.grant("notes:read", alice, by=grants.System("a test"))
    with pytest.raises(IntegrityError), transaction.atomic(), recorded():
        ScopeGrant.objects.filter(pk=old.pk).update(revoked_at=None)


@contextmanager
def without_constraints():
    everything = ScopeGrant._meta.constraints
    constraints = [c for c in everything if "_live_grant_" in c.name]
    others = [c for c in everything if c not in constraints]
    # SQLite makes its table anew, of what the model says.
    with (
        patch.object(ScopeGrant._meta, "constraints", others),
        connection.schema_editor() as editor,
    ):
        for constraint in constraints:
            editor.remove_constraint(ScopeGrant, constraint)
    try:
        yield
    finally:
        with recorded():
            ScopeGrant.objects.all().delete()
        with connection.schema_editor() as editor:
            for constraint in constraints:
                editor.add_constraint(ScopeGrant, constraint)


@pytest.mark.django_db(transaction=True)
def test_a_revoke_closes_whatever_is_live_of_the_scope_and_the_grantee(alice, bob, manager):
    with without_constraints():
        rows = [ScopeGrant(scope="notes:read", user=alice) for _ in range(8)]
        others = [
            ScopeGrant(scope="notes:write", user=alice),
            ScopeGrant(scope="NOTES:READ", user=alice),
            ScopeGrant(scope="notes:read", user=bob),
        ]
        with recorded():
            ScopeGrant.objects.bulk_create([*rows, *others])
        assert held_by(alice) == {"notes:read", "notes:write", "NOTES:READ"}
        grants.revoke(
            grants.held(alice).filter(scope="notes:read").last(), by=manager, reason="left"
        )
        assert held_by(alice) == {"notes:write", "NOTES:READ"}
        assert held_by(bob) == {"notes:read"}
        closed = ScopeGrant.objects.filter(live=None)
        assert closed.filter(revoked_by=manager, revoked_reason="left").count() == 8


def test_rows_survive_a_dump(alice):
    row = grants.grant("notes:read", alice, reason="kept", by=grants.System("a test"))
    dump = serializers.serialize("json", ScopeGrant.objects.all())
    with recorded():
        ScopeGrant.objects.all().delete()
    for found in serializers.deserialize("json", dump):
        found.save()
    assert (grants.get(row.pk).live, held_by(alice)) == (1, {"notes:read"})


@pytest.mark.skipif(connection.vendor != "sqlite", reason="other plans depend on how many rows")
@pytest.mark.parametrize("read", [grants.granted, grants.granted_with_overrides])
def test_a_request_reads_grants_by_their_index(alice, application, settings, read):
    settings.API_GUARD = {**settings.API_GUARD, "EVERYONE_GROUP": "everyone"}
    with CaptureQueriesContext(connection) as queries:
        read(alice, application.pk)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {queries.captured_queries[0]['sql']}")
        plan = [row[3] for row in cursor.fetchall()]
    steps = [step for step in plan if "api_guard_scopegrant" in step]
    keys = sorted(re.search(r"\((\w+)_id=\? AND live=\?\)", step)[1] for step in steps)
    assert keys == ["client", "group", "group", "user"]
    assert not [step for step in plan if step.startswith("SCAN api_guard")]


def test_a_group_of_everyone_that_one_is_in_counts_once(alice, settings):
    settings.API_GUARD = {**settings.API_GUARD, "EVERYONE_GROUP": "everyone"}
    everyone = Group.objects.create(name="everyone")
    alice.groups.add(everyone)
    row = grants.grant("notes:read", everyone, by=grants.System("a test"))
    granted, rows = grants.granted(alice, None)
    assert (granted.user, {found.pk for found in rows}) == ({"notes:read"}, {row.pk})
    grants.record_use(rows, granted.user)


# Rows that a database takes for the same


def test_a_grant_of_another_spelling_satisfies_nothing(alice, application, settings):
    """The collations of MySQL and MariaDB ignore case."""
    with recorded():
        ScopeGrant.objects.bulk_create([ScopeGrant(scope="Notes:Read", user=alice)])
    assert "notes:read" not in held_by(alice)
    if connection.vendor == "mysql":
        for make in (grants.grant, grants.ensure):
            with refusal("already_granted"):
                make("notes:read", alice, by=grants.System("a test"))
        grants.revoke(alice.scope_grants.get(), by=grants.System("a test"))
    assert grants.ensure("notes:read", alice, by=grants.System("a test")).scope == "notes:read"
    assert "notes:read" in held_by(alice)


def test_scopes_that_differ_in_case_alone_cannot_be_granted(alice, settings):
    grants.grant("notes:read", alice, by=grants.System("a test"))
    settings.API_GUARD = {"SCOPES": {"notes:read": "a", "Notes:Read": "b", "other": "c"}}
    for scope in ("notes:read", "Notes:Read"):
        with refusal("unknown_scope"):
            grants.grant(scope, alice, by=grants.System("a test"))
    assert grants.grant("other", alice, by=grants.System("a test")).scope == "other"


# Errors of the database


def test_a_grant_that_another_made_meanwhile_is_the_one_that_is_ensured(alice):
    first = grants.grant("notes:read", alice, by=grants.System("a test"))
    find = grants.giving.live_of
    with patch("api_guard.grants.giving.live_of", side_effect=[None, first]):
        assert grants.ensure("notes:read", alice, by=grants.System("a test")) == first
    # And revoked before it was looked at again.
    with patch("api_guard.grants.giving.live_of", return_value=None), refusal("already_granted"):
        grants.ensure("notes:read", alice, by=grants.System("a test"))
    assert find("notes:read", alice) == first


DEADLOCK = OperationalError(1213, "Deadlock found when trying to get lock")


@pytest.mark.django_db(transaction=True)
def test_what_met_another_in_a_deadlock_is_done_again(alice):
    close, fails = grants.writing.close, [DEADLOCK] * 3

    def close_after_some_tries(*args):
        if fails:
            raise fails.pop()
        return close(*args)

    with patch("api_guard.grants.writing.close", close_after_some_tries):
        row = grants.grant("notes:read", alice, by=grants.System("a test"))
        fails.append(DEADLOCK)
        assert grants.revoke(row, by=grants.System("a test")).live is None
    assert alice.scope_grants.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [DEADLOCK, OperationalError("down")])
def test_a_database_that_cannot_is_not_asked_for_ever(alice, error):
    failing = patch("api_guard.grants.writing.close", side_effect=error)
    with failing as tries, pytest.raises(OperationalError):
        grants.revoke_all(alice, by=grants.System("a test"))
    assert tries.call_count == (10 if error is DEADLOCK else 1)
    # A deadlock ends the transaction of the caller, who alone knows what was in it.
    with failing as tries, transaction.atomic(), pytest.raises(OperationalError):
        grants.revoke_all(alice, by=grants.System("a test"))
    assert tries.call_count == 1


def test_a_grantee_that_is_gone_is_no_grant_that_is_there_already(alice):
    gone = get_user_model().objects.get(pk=alice.pk)
    alice.delete()
    with refusal("invalid") as caught:
        grants.grant("notes:read", gone, by=grants.System("a test"))
    assert "This user does not exist" in str(caught.value)
    broken = IntegrityError("a foreign key")
    with patch.object(ScopeGrant, "save", side_effect=broken), refusal("meanwhile"):
        grants.grant("notes:read", gone, by=grants.System("a test"))


def test_a_grant_that_went_with_its_grantee_cannot_be_changed(alice, manager):
    row = grants.grant("notes:read", alice, by=manager)
    get_user_model().objects.get(pk=alice.pk).delete()
    later = timezone.now() + timedelta(days=1)
    for change in (
        lambda: grants.revoke(row, by=manager),
        lambda: grants.extend(row, later, by=manager),
        lambda: grants.keep(row, until=later, by=manager),
    ):
        with refusal("already_revoked") as caught:
            change()
        assert "deleted with its grantee" in str(caught.value)


def test_who_a_row_names_must_be_there(alice, bob, manager):
    row = grants.grant("notes:read", alice, by=manager)
    get_user_model().objects.filter(pk=bob.pk).delete()
    for field in ("user_id", "granted_by_id", "revoked_by_id"):
        named = grants.get(row.pk)
        setattr(named, field, bob.pk)
        with pytest.raises(ValidationError, match="does not exist"):
            named.save()
    with pytest.raises(ValidationError) as caught:
        RateOverride(name="", limit=0, user_id=bob.pk).full_clean()
    assert set(caught.value.error_dict) == {"name", "limit", "user"}
    RateOverride(name="", limit=0, user_id=bob.pk).clean_fields(exclude={"name", "limit", "user"})
