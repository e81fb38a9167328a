"""What gives access beside a grant: recorded, and refused to who may not give as much."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core import serializers
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, transaction
from django.test import RequestFactory
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application

from api_guard import grants
from api_guard.checks.granting import check_permissions_of_users
from api_guard.core.ledger import Event
from api_guard.grants import Claimed, System
from api_guard.grants.serving import serving
from api_guard.models import (
    GrantRequest,
    LedgerDetail,
    LedgerRecord,
    RateOverride,
    RemoteSubject,
    ScopeGrant,
    recorded,
)

pytestmark = pytest.mark.django_db

CODE = System("a test")


@pytest.fixture(autouse=True)
def _scopes(settings):
    scopes = {
        "notes:read": {"description": "Read notes", "group": "Notes"},
        "pay:refund": {"description": "Refund", "group": "Pay", "sensitive": True},
    }
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": scopes, "EVERYONE_GROUP": "everyone"}


@pytest.fixture
def readers(db):
    group = Group.objects.create(name="readers")
    grants.grant("notes:read", group, by=CODE)
    return group


@pytest.fixture
def nora(db):
    """Whoever manages the scopes of notes."""
    managers = Group.objects.create(name="managers")
    grants.authorize(managers, "Notes", by=CODE)
    user = get_user_model().objects.create_user("nora")
    user.groups.add(managers)
    return user


def asks(user):
    """Serve a request of this user."""
    request = RequestFactory().get("/", REMOTE_ADDR="203.0.113.9")
    request.user = user
    return serving(request)


def told(event):
    """Return the records of these acts, oldest first, each with what can be erased."""
    found = []
    for row in LedgerRecord.objects.filter(event=event).order_by("pk"):
        said = {each.part: each.text for each in LedgerDetail.objects.filter(record=row.pk)}
        found.append({**json.loads(row.content), **said})
    return found


def one(event):
    [row] = told(event)
    return row


# Who acted, and how that is known


def test_a_request_s_user_is_authenticated_and_where_from_is_kept(alice, manager):
    with asks(manager):
        grants.grant("notes:read", alice, by=manager, reason="asked")
    row = one(Event.GRANT)
    assert (row["known"], row["who"], row["whom"]) == ("authenticated", "mia", "alice")
    assert (row["scope"], row["reason"], row["address"]) == ("notes:read", "asked", "203.0.113.9")


@pytest.mark.parametrize(
    ("by", "known", "who"),
    [
        (Claimed("somebody"), "claimed", "somebody"),
        (System("migration 0007"), "system", "migration 0007"),
    ],
)
def test_whom_nothing_proves_is_claimed_and_code_is_code(alice, manager, by, known, who):
    with asks(manager):
        grants.grant("notes:read", alice, by=by)
    assert (one(Event.GRANT)["known"], one(Event.GRANT)["who"]) == (known, who)


def test_a_user_outside_of_its_request_is_claimed(alice, bob, manager):
    grants.grant("notes:read", alice, by=manager)
    with asks(bob):
        grants.grant("notes:read", bob, by=manager)
    assert [row["known"] for row in told(Event.GRANT)] == ["claimed", "claimed"]


def test_each_change_of_a_grant_has_its_record(alice, manager, client):
    later = timezone.now() + timedelta(days=1)
    row = grants.grant("notes:read", alice, by=manager, expires_at=later)
    grants.extend(row, None, by=manager, reason="longer")
    said = one(Event.EXTEND)
    assert said["facts"]["was"] == later.isoformat()
    assert said["facts"]["expires_at"] is None
    with recorded():
        grants.live().update(expires_at=timezone.now())
    again = grants.grant("notes:read", alice, by=manager)
    grants.revoke(again, by=manager, reason="left")
    assert one(Event.EXPIRE)["facts"]["grant"] == str(row.pk)
    assert (one(Event.REVOKE)["facts"]["grant"], one(Event.REVOKE)["reason"]) == (
        str(again.pk),
        "left",
    )


def test_what_cannot_be_recorded_is_not_done(alice, manager, monkeypatch):
    def fail(*args, **kwargs):
        raise DatabaseError("the ledger is full")

    row = grants.grant("notes:read", alice, by=manager)
    for name in ("record", "record_many"):
        monkeypatch.setattr(f"api_guard.grants.who.{name}", fail)
    for change in (
        lambda: grants.grant("pay:refund", alice, by=manager),
        lambda: grants.extend(row, timezone.now() + timedelta(days=1), by=manager),
        lambda: grants.revoke(row, by=manager),
        lambda: grants.revoke_all(alice, by=manager),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    row.refresh_from_db()
    assert (row.is_live(), row.expires_at, list(grants.held(alice))) == (True, None, [row])
    assert not GrantRequest.objects.exists()


# Groups


def test_who_joins_and_leaves_a_group_that_holds_grants_is_recorded(alice, bob, readers):
    plain = Group.objects.create(name="plain")
    alice.groups.add(readers, plain)
    readers.user_set.add(bob)
    alice.groups.remove(readers)
    readers.user_set.clear()
    plain.user_set.clear()
    assert [row["whom"] for row in told(Event.JOIN_GROUP)] == ["alice", "bob"]
    assert [row["whom"] for row in told(Event.LEAVE_GROUP)] == ["alice", "bob"]
    assert {row["known"] for row in told(Event.JOIN_GROUP)} == {"unknown"}
    alice.groups.set([readers])
    alice.groups.clear()
    assert len(told(Event.LEAVE_GROUP)) == 3


def test_a_user_who_may_not_give_what_a_group_holds_adds_nobody_to_it(alice, bob, nora, readers):
    with asks(nora):
        alice.groups.add(readers)
        with pytest.raises(PermissionDenied), transaction.atomic():
            nora.groups.add(readers)  # that would be to herself
    with asks(bob), pytest.raises(PermissionDenied), transaction.atomic():
        readers.user_set.add(bob)
    managers = nora.groups.get()
    with asks(nora), pytest.raises(PermissionDenied), transaction.atomic():
        managers.user_set.add(alice)
    assert list(readers.user_set.all()) == [alice]
    assert [row["known"] for row in told(Event.JOIN_GROUP)][-1] == "authenticated"


def test_an_import_of_memberships_breaks_on_nothing(alice, readers, nora):
    alice.groups.set([readers, nora.groups.get()])
    assert len(told(Event.JOIN_GROUP)) == 3  # nora's own, by the fixture, is one


def test_a_group_that_becomes_everyone_s_is_recorded_and_judged(readers, nora, manager, three_pay):
    readers.name = "everyone"
    with asks(nora), pytest.raises(PermissionDenied), transaction.atomic():
        readers.save()
    with asks(manager):
        readers.save()
    assert one(Event.RENAME_GROUP)["facts"] == {"was": "readers", "name": "everyone"}
    readers.save()
    readers.name = "readers"
    readers.save()
    assert len(told(Event.RENAME_GROUP)) == 2
    three_pay.name = "everyone"
    with pytest.raises(PermissionDenied, match="sensitive"), transaction.atomic():
        three_pay.save()


@pytest.fixture
def three_pay(db):
    """A group that holds a sensitive scope."""
    group = Group.objects.create(name="pay")
    with recorded():
        ScopeGrant(scope="pay:refund", group=group).save()
    return group


# Clients


def test_a_client_s_owner_and_redirects_are_judged_and_recorded(application, nora, bob, manager):
    application.redirect_uris = "https://a.example/"
    with asks(bob):
        application.save()  # it holds nothing
    grants.grant("notes:read", application, by=CODE)
    application.redirect_uris = "https://b.example/"
    with asks(bob), pytest.raises(PermissionDenied), transaction.atomic():
        application.save()
    with asks(nora):
        application.save()
    assert told(Event.CLIENT_REDIRECTS)[-1]["facts"] == {"redirect_uris": "https://b.example/"}
    application.user = bob
    with asks(bob), pytest.raises(PermissionDenied), transaction.atomic():
        application.save(update_fields=["user"])
    with asks(manager):
        application.save(update_fields=["user"])
    assert one(Event.CLIENT_OWNER)["facts"] == {"client": str(application.pk)}
    assert one(Event.CLIENT_OWNER)["whom"] == "bob"
    application.name = "another"
    application.save()
    assert len(told(Event.CLIENT_OWNER)) == 1


def test_a_client_s_secret_is_rotated_by_its_owner_and_its_tokens_end(application, issue, bob):
    grants.grant("notes:read", application, by=CODE)
    issue("notes:read")
    stored = Application.objects.get(pk=application.pk)
    stored.save()
    assert AccessToken.objects.exists()
    stored.client_secret = "another"
    with asks(bob), pytest.raises(PermissionDenied), transaction.atomic():
        stored.save()
    assert AccessToken.objects.exists()
    Application.objects.filter(pk=application.pk).update(user=bob)
    stored.user = bob
    with asks(bob):
        stored.save()
    assert one(Event.CLIENT_SECRET)["known"] == "authenticated"
    assert not AccessToken.objects.exists()


# Users


def test_an_inactive_user_who_comes_back_is_recorded_and_judged(alice, bob, nora):
    alice.is_active = False
    alice.save()
    alice.is_active = True
    alice.save()
    assert told(Event.REACTIVATE) == []  # she holds nothing
    grants.grant("notes:read", alice, by=CODE)
    alice.is_active = False
    alice.save()
    alice.is_active = True
    with asks(bob), pytest.raises(PermissionDenied), transaction.atomic():
        alice.save()
    with asks(nora):
        alice.save(update_fields=["is_active"])
    assert one(Event.REACTIVATE)["whom"] == "alice"


def test_what_everyone_has_comes_back_with_whom_anybody_makes_active(alice, bob):
    everyone = Group.objects.create(name="everyone")
    grants.grant("notes:read", everyone, by=CODE)
    alice.is_active = False
    alice.save()
    alice.is_active = True
    with asks(bob):
        alice.save()
    assert one(Event.REACTIVATE)["whom"] == "alice"
    # A grant of her own counts, although everyone's gives the same now.
    grants.grant("notes:read", alice, by=CODE)
    alice.is_active = False
    alice.save()
    alice.is_active = True
    with asks(bob), pytest.raises(PermissionDenied):
        alice.save()


def test_a_manager_who_comes_back_is_recorded_and_judged(alice, nora, manager, admin_user):
    for number, user in enumerate((nora, admin_user), 1):
        user.is_active = False
        user.save()
        user = get_user_model().objects.get(pk=user.pk)
        user.is_active = True
        with asks(alice), pytest.raises(PermissionDenied), transaction.atomic():
            user.save()
        with asks(manager):
            user.save()
        assert len(told(Event.REACTIVATE)) == number


def test_a_row_that_is_overwritten_by_its_key_is_judged_as_one_that_was_read(
    alice, bob, nora, application, readers
):
    """Django updates what has the primary key of an instance that was never read."""
    grants.grant("notes:read", alice, by=CODE)
    grants.grant("notes:read", application, by=CODE)
    get_user_model().objects.filter(pk=alice.pk).update(is_active=False)
    client = type(application)(
        pk=application.pk, user=bob, redirect_uris="https://b.example/", created=timezone.now()
    )
    user = get_user_model()(pk=alice.pk, username="alice")
    for row in (client, user, Group(pk=readers.pk, name="everyone")):
        with asks(bob), pytest.raises(PermissionDenied), transaction.atomic():
            row.save()


def test_a_user_that_is_made_over_an_inactive_one_is_judged_too(alice, bob):
    grants.grant("notes:read", alice, by=CODE)
    get_user_model().objects.filter(pk=alice.pk).update(is_active=False)
    again = get_user_model()(pk=alice.pk, username="alice")
    with asks(bob), pytest.raises(PermissionDenied):
        again.save()
    again.save()
    assert one(Event.REACTIVATE)["whom"] == "alice"


def test_whom_a_subject_is_taken_for_is_recorded_and_judged(alice, bob, nora):
    grants.grant("notes:read", alice, by=CODE)
    subject = RemoteSubject(issuer="https://as.example", subject="42", user=alice)
    with asks(bob), pytest.raises(PermissionDenied), transaction.atomic():
        subject.save()
    with asks(nora):
        subject.save()
    subject.save()
    subject.user = bob
    subject.save()
    subject.delete()
    assert [row["whom"] for row in told(Event.MAP_SUBJECT)] == ["alice", "bob"]
    assert [row["whom"] for row in told(Event.UNMAP_SUBJECT)] == ["alice", "bob"]


# Overrides, and what goes with its grantee


def test_another_limit_is_recorded_and_judged(alice, nora, manager):
    override = RateOverride(name="budget:api/h", limit=5, user=alice)
    with asks(nora), pytest.raises(PermissionDenied), transaction.atomic():
        override.save()
    with asks(manager):
        override.save()
        override.limit = 6
        override.save()
    with asks(nora), pytest.raises(PermissionDenied), transaction.atomic():
        override.delete()
    override.delete()
    assert [row["facts"]["limit"] for row in told(Event.OVERRIDE)] == ["5", "6"]
    assert one(Event.END_OVERRIDE)["scope"] == "budget:api/h"


def test_what_goes_with_its_grantee_is_recorded_before_it_goes(alice, application, readers, nora):
    for grantee in (alice, application):
        grants.grant("notes:read", grantee, by=CODE)
    revoked = grants.grant("notes:read", nora, by=CODE)
    grants.revoke(revoked, by=CODE)
    get_user_model().objects.all().delete()
    Application.objects.all().delete()
    Group.objects.all().delete()
    assert sorted(row["whom"] for row in told(Event.DELETE)) == ["alice", "app", "readers"]
    assert one(Event.DEAUTHORIZE)["scope"] == "Notes"


def test_a_fixture_is_loaded_as_it_was_dumped(alice, bob, readers, application):
    alice.groups.add(readers)
    RemoteSubject.objects.create(issuer="https://as.example", subject="42", user=alice)
    RateOverride.objects.create(name="budget:api/h", limit=5, user=alice)
    kept = [get_user_model(), Group, Application, RemoteSubject, RateOverride]
    rows = [row for model in kept for row in model.objects.all()]
    dump = serializers.serialize("json", rows)
    count = LedgerRecord.objects.count()
    with asks(bob):
        for found in serializers.deserialize("json", dump):
            found.m2m_data = {}
            found.save()
    assert LedgerRecord.objects.count() == count


# What Django's own admin can do around all this


def test_who_may_change_users_is_warned_of(alice):
    may = Permission.objects.get(codename="change_user")
    assert check_permissions_of_users(databases=["default"]) == []
    alice.user_permissions.add(may)
    [warning] = check_permissions_of_users(databases=["default"])
    assert (warning.id, "auth.change_user" in warning.msg) == ("api_guard.W083", True)
    assert check_permissions_of_users(databases=None) == []
    alice.user_permissions.clear()
    readers = Group.objects.create(name="readers")
    readers.permissions.add(may)
    assert len(check_permissions_of_users(databases=["default"])) == 1


def test_before_the_first_migrate_nothing_is_warned_of(monkeypatch):
    def fail(*args, **kwargs):
        raise OperationalError("no such table: auth_permission")

    monkeypatch.setattr("django.db.models.query.QuerySet.exists", fail)
    assert check_permissions_of_users(databases=["default"]) == []


def test_an_export_of_the_ledger_flags_a_break_glass_grant(manager, alice, capsys):
    until = timezone.now() + timedelta(minutes=30)
    grants.grant("notes:read", manager, by=manager, reason="an incident", expires_at=until)
    grants.grant("notes:read", alice, by=manager)
    call_command("guard_ledger", "chain")
    capsys.readouterr()
    call_command("guard_ledger", "export")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    given = [line for line in lines if line["event"] == "grant"]
    flags = [json.loads(line["content"])["facts"].get("break_glass") for line in given]
    assert flags == ["yes", None]
