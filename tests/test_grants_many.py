"""Many grants at once: given, revoked and extended in one transaction, with few queries."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import IntegrityError, connection, models
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oauth2_provider.models import Application

from api_guard import grants, ledger
from api_guard.grants import GrantError, Offer, System, changing_many, effects, summing
from api_guard.grants.effects import Effect, undeclared_scopes
from api_guard.grants.offers import Judged
from api_guard.models import GrantRequest, LedgerRecord, ScopeGrant, recorded
from api_guard.models.memberships import membership_of

pytestmark = pytest.mark.django_db

CODE = System("a test")
SCOPES = {
    "notes:read": {"description": "Read notes", "group": "Notes"},
    "notes:write": {"description": "Change notes", "group": "Notes", "max_days": 30},
    "pay:read": {"description": "Read payments", "group": "Pay"},
    "pay:refund": {"description": "Refund", "group": "Pay", "sensitive": True},
}


@pytest.fixture(autouse=True)
def _scopes(settings):
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": SCOPES, "EVERYONE_GROUP": "everyone"}


@pytest.fixture
def everyone(db):
    return Group.objects.create(name="everyone")


@pytest.fixture
def nora(db):
    """Manage the notes, and own a client and a group."""
    group = Group.objects.create(name="managers")
    grants.authorize(group, "Notes", by=CODE)
    user = get_user_model().objects.create_user("nora", is_staff=True)
    user.groups.add(group)
    return user


def events():
    return sorted(LedgerRecord.objects.values_list("event", flat=True))


def said(unmade):
    return {(each.scope, str(each.grantee)): each.error.code for each in unmade}


def in_a_day():
    return timezone.now() + timedelta(days=1)


def nothing(page):
    pass


def partial_extend(rows, **said):
    return grants.extend_many(rows, in_a_day(), **said)


def changed(function, *args, **kwargs):
    return function(ScopeGrant.objects.all(), *args, told=nothing, reason="", **kwargs)


# Giving


def test_all_scopes_are_given_to_all_grantees_with_their_records(alice, bob, application, manager):
    offer = Offer(
        ("notes:read", "pay:read", "notes:read"),
        (alice, bob, application, alice),
        manager,
        "asked",
        in_a_day(),
    )
    given = grants.grant_many(offer)
    assert len(given.granted) == 6
    assert (given.asked, given.unmade) == ((), ())
    assert {(row.granted_by, row.reason, row.expires_at) for row in given.granted} == {
        (manager, "asked", offer.expires_at)
    }
    assert {row.pk for row in given.granted} == set(grants.live().values_list("pk", flat=True))
    assert events() == ["grant"] * 6
    assert list(grants.differences()) == []


def test_the_number_of_queries_does_not_grow_with_what_is_given(alice, bob, application, settings):
    names = [f"s:{number}" for number in range(40)]
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": dict.fromkeys(names, "one")}
    users = [get_user_model().objects.create_user(f"user{number}") for number in range(10)]
    counts = []
    for scopes in (names[:2], names[10:]):
        with CaptureQueriesContext(connection) as found:
            grants.grant_many(Offer(tuple(scopes), tuple(users), CODE))
        counts.append(len(found))
    assert ScopeGrant.objects.count() == 10 * 32
    assert counts[1] < counts[0] + 9  # in pages, and chained in pages


def test_what_exists_is_left_and_what_expired_is_closed(alice, bob):
    kept = grants.grant("notes:read", alice, by=CODE)
    old = grants.grant("notes:read", bob, by=CODE)
    with recorded():
        ScopeGrant.objects.filter(pk=old.pk).update(expires_at=timezone.now())
    given = grants.grant_many(Offer(("notes:read",), (alice, bob), CODE))
    [unmade] = given.unmade
    assert (unmade.error.code, unmade.row, unmade.grantee) == ("already_granted", kept, alice)
    assert [row.user for row in given.granted] == [bob]
    old.refresh_from_db()
    assert old.revoked_reason == "expired"
    assert events() == ["expire", "grant", "grant", "grant"]


def test_what_was_revoked_meanwhile_stays_as_it_was_revoked(alice, manager, monkeypatch):
    old = grants.grant("notes:read", alice, by=CODE)
    with recorded():
        ScopeGrant.objects.filter(pk=old.pk).update(expires_at=timezone.now())
    judged = Judged.of(Offer(("notes:read",), (alice,), CODE))
    grants.revoke(old, by=manager, reason="a leak")
    monkeypatch.setattr(Judged, "of", lambda offer: judged)
    grants.grant_many(Offer(("notes:read",), (alice,), CODE))
    old.refresh_from_db()
    assert (old.revoked_by, old.revoked_reason) == (manager, "a leak")
    assert events() == ["grant", "grant", "revoke"]


def test_a_request_that_is_too_old_is_closed_and_asked_for_again(alice, bob):
    offer = Offer(("pay:refund",), (alice, bob), CODE)
    old, other = grants.grant_many(offer).asked
    with recorded():
        GrantRequest.objects.filter(pk=old.pk).update(asked_at=timezone.now() - timedelta(days=30))
    given = grants.grant_many(offer)
    assert [row.user for row in given.asked] == [alice]
    assert said(given.unmade) == {("pay:refund", "bob"): "already_asked"}
    old.refresh_from_db()
    assert old.outcome == "expired"
    assert set(grants.open_requests()) == {*given.asked, other}
    assert list(grants.differences()) == []


def test_a_sensitive_scope_is_asked_for_once(alice, bob, manager):
    offer = Offer(("pay:refund", "pay:read"), (alice, bob), manager, "a case")
    given = grants.grant_many(offer)
    assert {row.scope for row in given.asked} == {"pay:refund"}
    assert {row.pk for row in given.asked} == set(GrantRequest.objects.values_list("pk", flat=True))
    again = grants.grant_many(offer)
    assert said(again.unmade) == {
        ("pay:refund", "alice"): "already_asked",
        ("pay:refund", "bob"): "already_asked",
        ("pay:read", "alice"): "already_granted",
        ("pay:read", "bob"): "already_granted",
    }
    assert (again.granted, again.asked) == ((), ())
    assert events() == ["grant", "grant", "request", "request"]


def test_what_may_not_be_given_is_returned_with_its_reason(nora, alice, everyone, caplog):
    own = nora.groups.get()
    mine = Application.objects.create(name="mine", user=nora)
    offer = Offer(
        ("notes:read", "notes:write", "pay:read"), (alice, everyone, nora, own, mine), nora
    )
    refused = {
        ("notes:write", "alice"): "too_long",
        **{("pay:read", str(each)): "no_authority" for each in offer.grantees},
        **{(scope, "everyone"): "no_authority" for scope in ("notes:read", "notes:write")},
        ("notes:read", "nora"): "self_grant",
        ("notes:read", "managers"): "self_grant",
        ("notes:read", "mine"): "self_grant",
        **{("notes:write", name): "too_long" for name in ("nora", "managers", "mine")},
    }
    assert said(offer.unmade()) == refused
    assert f"Refused to user {nora.pk}" in caplog.text
    given = grants.grant_many(offer)
    assert said(given.unmade) == refused
    assert [str(row) for row in given.granted] == ["notes:read for user alice"]


def test_nothing_is_given_of_what_is_unknown_past_or_badly_reasoned(alice, everyone):
    offer = Offer(("notes:raed",), (alice,), CODE)
    [unmade] = offer.unmade()
    assert (unmade.error.code, "Did you mean" in str(unmade.error)) == ("unknown_scope", True)
    past = Offer(("notes:read",), (alice,), CODE, "", timezone.now())
    assert said(past.unmade()) == {("notes:read", "alice"): "past"}
    everybody = Offer(("pay:refund",), (everyone,), CODE)
    assert said(everybody.unmade()) == {("pay:refund", "everyone"): "sensitive_to_everyone"}
    for broken, code in (
        (Offer(("notes:read",), (alice,), CODE, "x" * 501), "max_length"),
        (Offer(("notes:read",), (alice,), System(" ")), "nobody"),
        (Offer(("notes:read",), (get_user_model()(),), CODE), "no_grantee"),
    ):
        with pytest.raises(GrantError) as caught:
            grants.grant_many(broken)
        assert caught.value.code == code
    assert not ScopeGrant.objects.exists()


def test_break_glass_is_marked_logged_and_told(nora, alice, caplog):
    told = []

    def hear(sender, grant, by, **kwargs):
        told.append((grant, by))

    grants.break_glass.connect(hear)
    soon = timezone.now() + timedelta(minutes=30)
    try:
        given = grants.grant_many(Offer(("notes:read",), (nora, alice), nora, "fire", soon))
    finally:
        grants.break_glass.disconnect(hear)
    assert {row.user.username: row.is_break_glass for row in given.granted} == {
        "nora": True,
        "alice": False,
    }
    assert caplog.text.count("Break-glass") == 1
    contents = LedgerRecord.objects.filter(event="grant").values_list("content", flat=True)
    assert sum('"break_glass":"yes"' in content for content in contents) == 1


def test_what_somebody_else_gives_meanwhile_is_an_error_and_nothing_is_given(
    alice, bob, monkeypatch
):
    def fail(*args, **kwargs):
        raise IntegrityError

    monkeypatch.setattr("api_guard.grants.giving_many.note_many", fail)
    with pytest.raises(GrantError, match="at the same time") as caught:
        grants.grant_many(Offer(("notes:read",), (alice, bob), CODE))
    assert caught.value.code == "meanwhile"
    assert not ScopeGrant.objects.exists()


# Revoking and extending


def test_many_are_revoked_in_pages_and_each_is_recorded(alice, bob, manager, monkeypatch):
    monkeypatch.setattr("api_guard.grants.changing_many._PAGE", 2)
    grants.grant_many(Offer(("notes:read", "pay:read"), (alice, bob), CODE))
    seen = []
    done = grants.revoke_many(
        ScopeGrant.objects.all(),
        by=manager,
        reason="left",
        told=lambda page: seen.append(len(page)),
    )
    assert (done.count, done.refused, seen) == (4, {}, [2, 2])
    assert set(ScopeGrant.objects.values_list("revoked_by", "revoked_reason")) == {
        (manager.pk, "left")
    }
    assert events() == ["grant"] * 4 + ["revoke"] * 4
    assert list(grants.differences()) == []
    done = changed(grants.revoke_many, by=manager)
    assert done.refused == {"It was already revoked.": 4}


def test_only_what_somebody_may_revoke_is_revoked(nora, alice, everyone):
    for scope, grantee in (("notes:read", alice), ("pay:read", alice), ("notes:read", everyone)):
        grants.grant(scope, grantee, by=CODE)
    done = changed(grants.revoke_many, by=nora)
    assert (done.count, done.refused) == (
        1,
        {
            "You may not grant or revoke 'pay:read'.": 1,
            "You may not grant 'notes:read' to everyone.": 1,
        },
    )


@pytest.mark.parametrize("change", [grants.revoke_many, partial_extend])
def test_a_grant_that_ends_meanwhile_is_counted_as_ended(alice, monkeypatch, change):
    row = grants.grant("notes:read", alice, by=CODE)

    def end_first(act):
        grants.revoke(row, by=CODE)
        return act()

    with monkeypatch.context() as patched:
        patched.setattr(changing_many, "in_transaction", end_first)
        done = changed(change, by=CODE)
    assert (done.count, done.refused) == (0, {"It was already revoked.": 1})


def test_the_end_of_many_is_moved(alice, bob, manager):
    grants.grant_many(Offer(("notes:read", "pay:read"), (alice, bob), CODE))
    until = in_a_day()
    done = changed(grants.extend_many, until, by=manager)
    assert (done.count, done.refused) == (4, {})
    assert set(ScopeGrant.objects.values_list("expires_at", flat=True)) == {until}
    assert changed(grants.extend_many, None, by=CODE).count == 4
    record = LedgerRecord.objects.filter(event="extend").last()
    assert until.isoformat() in record.content
    assert list(grants.differences()) == []


def test_what_may_not_be_extended_stays_as_it_is(nora, alice, bob, manager):
    soon, own = timezone.now() + timedelta(minutes=30), nora.groups.get()
    mine = Application.objects.create(name="mine", user=nora)
    other = Group.objects.create(name="other")
    asked = grants.grant("pay:refund", bob, by=manager, expires_at=soon)
    grants.approve(asked, by=approver("one"))
    grants.approve(asked, by=approver("two"))
    for scope, grantee in (
        ("notes:write", alice),
        ("pay:read", alice),
        ("notes:read", own),
        ("notes:read", mine),
        ("notes:read", other),
        ("notes:read", bob),
    ):
        grants.grant(scope, grantee, by=CODE, expires_at=soon)
    grants.grant("notes:read", nora, by=nora, reason="fire", expires_at=soon)
    with recorded():
        ScopeGrant.objects.filter(user=bob, scope="notes:read").update(expires_at=timezone.now())
    done = changed(grants.extend_many, timezone.now() + timedelta(days=90), by=nora)
    assert done.count == 1
    assert done.refused == {
        "You may not grant or revoke 'pay:read'.": 1,
        "You may not grant or revoke 'pay:refund'.": 1,
        "'notes:write' can be granted for at most 30 days. Set an expiry.": 1,
        "You cannot extend a grant of your own.": 3,
        "It has expired. Grant the scope again.": 1,
    }
    done = changed(grants.extend_many, None, by=manager)
    assert done.refused["'pay:refund' is sensitive. To extend it, grant it again."] == 1
    assert done.refused["You cannot extend a grant of your own."] == 1  # it is break-glass
    sooner = timezone.now() + timedelta(minutes=5)
    assert changed(grants.extend_many, sooner, by=nora).count == 5
    with pytest.raises(GrantError, match="is in the past"):
        changed(grants.extend_many, timezone.now(), by=nora)
    assert changed(grants.extend_many, sooner, by=CODE).count == 7


def approver(name):
    return get_user_model().objects.create_superuser(name)


def test_a_user_model_without_groups_has_none():
    class Groupless(models.Model):
        class Meta:
            app_label = "tests"

    assert membership_of(Groupless) is None
    assert membership_of(get_user_model()) is not None


def test_a_change_of_very_many_does_not_wait_for_the_whole_chain(alice, settings):
    names = tuple(f"s:{number}" for number in range(450))
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": dict.fromkeys(names, "one")}
    grants.grant_many(Offer(names, (alice,), CODE))
    assert [ledger.chain(-1), ledger.chain(), ledger.chain()] == [200, 250, 0]


# What a grant does now


def test_the_effect_of_a_grant(alice, bob, everyone, settings):
    row = grants.grant("notes:read", alice, by=CODE)
    group = grants.grant("notes:read", everyone, by=CODE)
    assert effects.effect_of(row, SCOPES) == effects.effect_of(group, SCOPES) == Effect.LIVE
    assert effects.effect_of(row, {}) == Effect.UNDECLARED
    alice.is_active = False
    alice.save()
    assert effects.effect_of(grants.get(row.pk), SCOPES) == Effect.INACTIVE
    moved = grants.extend(group, in_a_day(), by=CODE)
    assert effects.effect_of(moved, SCOPES) == Effect.ENDING
    later = timezone.now() + timedelta(days=9)
    assert effects.effect_of(grants.extend(group, later, by=CODE), SCOPES) == Effect.LIVE
    assert effects.effect_of(group, SCOPES, timezone.now() + timedelta(days=10)) == Effect.EXPIRED
    assert effects.effect_of(grants.revoke(group, by=CODE), SCOPES) == Effect.REVOKED


def test_undeclared_scopes_are_found(alice, give, settings):
    assert undeclared_scopes("default") == []
    give(alice, "notes:read", "pay:read")
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": {"notes:read": "Read"}}
    assert undeclared_scopes("default") == ["pay:read"]


def test_members_are_counted_by_group(alice, bob, everyone):
    readers, nobody = (Group.objects.create(name=name) for name in ("readers", "nobody"))
    readers.user_set.add(alice, bob)
    bob.is_active = False
    bob.save()
    assert grants.members([readers, nobody, everyone]) == {
        readers.pk: 1,
        nobody.pk: 0,
        everyone.pk: 1,
    }
    assert grants.members([]) == {}


def test_what_a_user_keeps_through_groups_is_found(alice, bob, everyone, application):
    readers = Group.objects.create(name="readers")
    readers.user_set.add(alice)
    rows = [grants.grant("notes:read", each, by=CODE) for each in (alice, bob, application)]
    assert summing.kept_through(rows) == {row.pk: [] for row in rows}
    grants.grant("notes:read", readers, by=CODE)
    grants.grant("pay:read", everyone, by=CODE)
    assert [each.name for each in summing.kept_through(rows)[rows[0].pk]] == ["readers"]
    grants.grant("notes:read", everyone, by=CODE)
    kept = summing.kept_through(rows)
    assert {each.name for each in kept[rows[0].pk]} == {"readers", "everyone"}
    assert [each.name for each in kept[rows[1].pk]] == ["everyone"]
    assert summing.kept_through(rows[2:]) == {}
