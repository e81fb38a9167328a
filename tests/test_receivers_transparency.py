"""What projects do with users, groups and clients: the same with the receivers and without.

Each act runs twice on the same rows, with the receivers of api_guard connected and not; what it
returns or raises, and the rows that it leaves, are compared, and its queries are counted.
"""

from __future__ import annotations

import json
from contextlib import contextmanager, nullcontext

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, update_last_login
from django.core import serializers
from django.db import connection, transaction
from django.db.models.signals import m2m_changed, post_save, pre_delete, pre_save
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from oauth2_provider.models import Application

from api_guard import grants
from api_guard.grants import System
from api_guard.grants.serving import serving
from api_guard.models import LedgerRecord

pytestmark = pytest.mark.django_db

User = get_user_model()
UID = "api_guard.access.receivers"
GRANTEES = ("user__username", "group__name", "client__name")
SIGNALS = (pre_save, post_save, pre_delete, m2m_changed)


@contextmanager
def no_receivers():
    """Let the signals reach everybody but api_guard."""
    kept = [(signal, signal.receivers) for signal in SIGNALS]
    for signal, receivers in kept:
        signal.receivers = [each for each in receivers if each[0][0] != UID]
        assert len(signal.receivers) < len(receivers)
        signal.sender_receivers_cache.clear()
    try:
        yield
    finally:
        for signal, receivers in kept:
            signal.receivers = receivers
            signal.sender_receivers_cache.clear()


@pytest.fixture(autouse=True)
def _nothing_is_vetted(monkeypatch):
    """Once a test has watched memberships, Django reads them before each change."""
    others = [each for each in m2m_changed.receivers if each[0][0] != "api_guard.sets"]
    monkeypatch.setattr(m2m_changed, "receivers", others)
    m2m_changed.sender_receivers_cache.clear()
    yield
    monkeypatch.undo()
    m2m_changed.sender_receivers_cache.clear()


@pytest.fixture
def people(db):
    """Users, groups and clients, of which some hold grants and some do not."""
    for name in ("ann", "ben", "cid"):
        User.objects.create_user(name, email=f"{name}@example.com", password="old")
    for name in ("holding", "plain", "other"):
        Group.objects.create(name=name)
    Group.objects.get(name="holding").user_set.add(User.objects.get(username="ann"))
    for name in ("holding client", "plain client"):
        Application.objects.create(
            name=name,
            client_type="confidential",
            authorization_grant_type="authorization-code",
            redirect_uris="https://app.example/back",
            user=User.objects.get(username="ben"),
        )
    User.objects.filter(username="cid").update(is_active=False)
    for to in (
        Group.objects.get(name="holding"),
        Application.objects.get(name="holding client"),
        User.objects.get(username="cid"),
    ):
        grants.grant("notes:read", to, by=System("a test"))


def user(name):
    return User.objects.get(username=name)


def group(name):
    return Group.objects.get(name=name)


def client(name="client"):
    return Application.objects.get(name=name)


def save(row, *fields, **values):
    for name, value in values.items():
        setattr(row, name, value)
    row.save(**({"update_fields": fields} if fields else {}))
    return row


def load(*names):
    """Load a fixture of all that there is, in which ben is in these groups."""
    rows = [*Group.objects.all(), *User.objects.all(), *Application.objects.all()]
    for found in serializers.deserialize("json", serializers.serialize("json", rows)):
        if found.object == user("ben"):
            found.m2m_data["groups"] = [group(name).pk for name in names]
        found.save()


def sync(names):
    """As a directory's import does: make the groups that are missing, then set them."""
    found = [Group.objects.get_or_create(name=name)[0] for name in names]
    for one in User.objects.all():
        one.groups.set(found)


# What each does, and the queries that the receivers add where nothing holds a grant.
PLAIN = {
    "a user signs up": (lambda: User.objects.create_user("dan"), 0),
    "a user is made or found": (lambda: User.objects.get_or_create(username="dan"), 0),
    "users are inserted in bulk": (lambda: len(User.objects.bulk_create([User(username="d")])), 0),
    "users are updated in bulk": (lambda: User.objects.update(is_active=True), 0),
    "a user is saved": (lambda: save(user("ann"), first_name="Ann"), 1),
    "one column of a user is saved": (lambda: save(user("ann"), "email", email="a@x.org"), 0),
    "a user signs in": (lambda: update_last_login(None, user("ann")), 0),
    "a user is deactivated": (lambda: save(user("ann"), is_active=False), 0),
    "a deferred user is saved": (lambda: User.objects.only("username").first().save(), 0),
    "a user joins a group": (lambda: user("ben").groups.add(group("plain")), 2),
    "a user joins it again": (lambda: user("ben").groups.add(group("plain"), group("plain")), 2),
    "users join a group": (lambda: group("plain").user_set.add(*User.objects.all()), 2),
    "memberships are inserted": (
        lambda: len(
            User.groups.through.objects.bulk_create(
                [User.groups.through(user=user("ben"), group=group("holding"))],
                ignore_conflicts=True,
            )
        ),
        0,
    ),
    "a user without grants is deleted": (lambda: user("ann").delete(), None),
    "a group is made": (lambda: Group.objects.create(name="new"), 0),
    "a group is renamed": (lambda: save(group("plain"), name="simple"), 0),
    "a group is deleted": (lambda: group("plain").delete(), None),
    "a client is made": (
        lambda: Application.objects.create(
            name="new", client_type="public", authorization_grant_type="authorization-code"
        ),
        0,
    ),
    "a client is renamed": (lambda: save(client("plain client"), name="app"), 1),
    "one column of a client is saved": (lambda: save(client("plain client"), "name", name="a"), 1),
    "clients are updated in bulk": (lambda: Application.objects.update(redirect_uris=""), 0),
    "a client is deleted": (lambda: client("plain client").delete(), None),
    "a fixture is loaded": (lambda: load("plain"), None),
}
# Recorded, so that they cost more; and where nobody is signed in, nobody is refused.
HOLDING = {
    "a directory is read": lambda: sync(["holding", "plain", "brand new"]),
    "users leave a group": lambda: group("holding").user_set.clear(),
    "a user leaves all groups": lambda: user("ann").groups.clear(),
    "a group has other users": lambda: group("holding").user_set.set([user("ben"), user("cid")]),
    "a user is active again": lambda: save(user("cid"), is_active=True),
    "one who holds grants is deleted": lambda: user("cid").delete(),
    "all users are deleted": lambda: User.objects.all().delete(),
    "a group that holds grants is deleted": lambda: group("holding").delete(),
    "a client has another owner": lambda: save(client("holding client"), user=user("ann")),
    "a client has no owner": lambda: save(client("holding client"), user=None),
    "a client has other redirects": lambda: save(
        client("holding client"), redirect_uris="https://b.example/"
    ),
    "a client's secret is changed": lambda: save(client("holding client"), client_secret="hidden"),
    "a client that holds grants is deleted": lambda: client("holding client").delete(),
    "memberships are loaded": lambda: load("holding"),
}


def left():
    """Return what there is of users, groups, memberships, clients and grants, by their names."""
    return (
        sorted(User.objects.values_list("username", "email", "is_active", "first_name")),
        sorted(Group.objects.values_list("name", flat=True)),
        sorted(User.groups.through.objects.values_list("user__username", "group__name")),
        sorted(Application.objects.values_list("name", "redirect_uris", "user__username"), key=str),
        sorted(
            grants.live().values_list("scope", "user__username", "group__name", "client__name"),
            key=str,
        ),
    )


def done(act):
    """Return what an act returns, what it leaves, and how many queries it makes; undo it."""
    with transaction.atomic():
        with CaptureQueriesContext(connection) as queries:
            returned = act()
        if isinstance(returned, tuple) and isinstance(returned[1], dict):
            returned = returned[0], sorted(returned[1].items())  # deleted, in whatever order
        found = json.dumps([str(returned), left()], default=str)
        records = LedgerRecord.objects.count()
        transaction.set_rollback(True)
    return found, len(queries), records


def asks(name):
    if name is None:
        return nullcontext()
    request = RequestFactory().get("/")
    request.user = user(name)
    return serving(request)


@pytest.mark.parametrize("who", [None, "ben"])
@pytest.mark.parametrize("name", PLAIN)
def test_what_gives_nothing_is_as_it_was_whoever_does_it(name, who, people):
    act, queries = PLAIN[name]
    records = LedgerRecord.objects.count()
    with asks(who):
        with no_receivers():
            expected = done(act)
        found = done(act)
    assert found[0] == expected[0]
    assert found[2] == records
    if queries is not None:
        assert found[1] - expected[1] == queries


@pytest.mark.parametrize("name", HOLDING)
def test_what_gives_something_is_recorded_and_breaks_no_import(name, people):
    with no_receivers():
        expected = done(HOLDING[name])
    found = done(HOLDING[name])
    assert found[0] == expected[0]
    assert found[2] > expected[2]
