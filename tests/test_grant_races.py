"""Grants that are made and revoked at one moment, and rows that a database takes for the same."""

from __future__ import annotations

import threading
from datetime import timedelta
from functools import partial
from itertools import cycle

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection, connections
from django.utils import timezone
from oauth2_provider.models import Application

from api_guard import grants
from api_guard.grants import GrantError
from api_guard.models import GrantRequest

RUNNERS = 8
on_servers = pytest.mark.skipif(
    connection.vendor == "sqlite",
    reason="SQLite writes one at a time; a database server is where this can go wrong",
)


def grantee_of(kind, number):
    if kind == "user":
        return get_user_model().objects.create_user(f"runner{number}")
    if kind == "group":
        return Group.objects.create(name=f"runners{number}")
    return Application.objects.create(name=f"runner{number}", user=None)


def race(run):
    """Run it in several threads that start at one moment, and return what came of each."""
    outcomes = []
    start = threading.Barrier(RUNNERS)

    def go():
        try:
            start.wait(10)
            outcomes.append(run())
        except GrantError as error:
            outcomes.append(error.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=go) for _ in range(RUNNERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return outcomes


@on_servers
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("kind", "races"), [("user", 25), ("group", 5), ("client", 5)])
def test_of_many_who_grant_at_once_one_does_and_a_revoke_ends_it(kind, races):
    for number in range(races):
        grantee = grantee_of(kind, number)
        outcomes = race(lambda: grants.grant("notes:read", grantee, by=grants.System("a test")).pk)  # noqa: B023
        [row] = grants.held(grantee)
        assert sorted(outcomes, key=str) == sorted([row.pk, *["already_granted"] * 7], key=str)
        grants.revoke(row, by=grants.System("a test"))
        assert not grants.held(grantee)
    assert not grants.live()


@on_servers
@pytest.mark.django_db(transaction=True)
def test_all_who_ensure_at_once_get_the_one_grant():
    for number in range(10):
        grantee = grantee_of("user", number)
        outcomes = race(lambda: grants.ensure("notes:read", grantee, by=grants.System("a test")).pk)  # noqa: B023
        [row] = grants.held(grantee)
        assert outcomes == [row.pk] * RUNNERS


@on_servers
@pytest.mark.django_db(transaction=True)
def test_of_many_who_revoke_at_once_one_does():
    for number in range(10):
        row = grants.grant("notes:read", grantee_of("user", number), by=grants.System("a test"))
        outcomes = race(lambda: grants.revoke(grants.get(row.pk), by=grants.System("a test")).pk)  # noqa: B023
        assert sorted(outcomes, key=str) == [row.pk, *["already_revoked"] * 7]


@on_servers
@pytest.mark.django_db(transaction=True)
def test_of_many_who_ask_for_the_same_at_once_one_request_is_open(settings):
    said = {"description": "Read notes", "requestable": True}
    settings.API_GUARD = {"SCOPES": {"notes:read": said}, "REQUEST_RATE": "1000/d"}
    until = timezone.now() + timedelta(days=1)
    for number in range(20):
        user = grantee_of("user", number)
        ask = partial(grants.request, "notes:read", by=user, reason="r", expires_at=until)
        outcomes = race(lambda: ask().pk)  # noqa: B023
        [row] = grants.open_requests().filter(user=user)
        assert sorted(outcomes, key=str) == sorted([row.pk, *["already_asked"] * 7], key=str)
    assert not list(grants.differences())


@on_servers
@pytest.mark.django_db(transaction=True)
def test_of_many_who_ask_again_at_once_one_request_is_open(settings, monkeypatch):
    said = {"description": "Read notes", "requestable": True}
    settings.API_GUARD = {"SCOPES": {"notes:read": said}, "REQUEST_RATE": "1000/d"}
    until = timezone.now() + timedelta(days=90)
    users = [grantee_of("user", number) for number in range(10)]
    for user in users:
        grants.request("notes:read", by=user, reason="r", expires_at=until)
    moment = timezone.now() + timedelta(days=15)
    monkeypatch.setattr("django.utils.timezone.now", lambda: moment)
    for user in users:
        ask = partial(grants.request, "notes:read", by=user, reason="r", expires_at=until)
        outcomes = race(lambda: ask().pk)  # noqa: B023
        [row] = grants.open_requests().filter(user=user)
        assert sorted(outcomes, key=str) == sorted([row.pk, *["already_asked"] * 7], key=str)
    assert not list(grants.differences())


@on_servers
@pytest.mark.django_db(transaction=True)
def test_a_request_that_is_decided_and_withdrawn_at_once_ends_once(settings):
    said = {"description": "Read notes", "requestable": True}
    settings.API_GUARD = {"SCOPES": {"notes:read": said}, "REQUEST_RATE": "1000/d"}
    until = timezone.now() + timedelta(days=1)
    admin = get_user_model().objects.create_superuser("root")
    for number in range(10):
        user = grantee_of("user", number)
        asked = grants.request("notes:read", by=user, reason="r", expires_at=until)
        approve, decline = partial(grants.approve, by=admin), partial(grants.decline, by=admin)
        ways = cycle([approve, decline, partial(grants.withdraw, by=user)])
        outcomes = race(lambda: type(next(ways)(GrantRequest.objects.get(pk=asked.pk))).__name__)  # noqa: B023
        assert outcomes.count("closed") == RUNNERS - 1
        asked.refresh_from_db()
        assert (asked.outcome == "granted") == grants.held(user).exists()
    assert not list(grants.differences())
