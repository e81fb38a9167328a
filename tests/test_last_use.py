"""That a grant was used is written without a wait for whoever has locked it."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing, contextmanager
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection, connections, transaction
from django.urls import path
from django.utils import timezone
from oauth2_provider.models import Application
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import guard
from api_guard.grants.using import write_use
from api_guard.models import ScopeGrant, recorded

pytestmark = pytest.mark.urls(__name__)

on_servers = pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite locks no rows")
in_transactions = pytest.mark.django_db(transaction=True)


@guard(read="notes:read")
class Show(APIView):
    def get(self, request):
        return Response()


urlpatterns = [path("show", Show.as_view())]


@contextmanager
def locked(*pks):
    """Have another transaction hold these rows."""
    holding, done = threading.Event(), threading.Event()

    def hold():
        try:
            with transaction.atomic():
                list(ScopeGrant.objects.select_for_update().filter(pk__in=pks))
                holding.set()
                done.wait(60)
        finally:
            connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    assert holding.wait(30)
    try:
        yield
    finally:
        done.set()
        thread.join(30)


@on_servers
@in_transactions
def test_requests_wait_for_nobody_who_has_locked_their_grants(api, alice, give, settings):
    settings.API_GUARD = {**settings.API_GUARD, "LAST_USED_INTERVAL": 0}
    first, second = give(alice, "notes:read", "notes:write")
    api.by_session(alice).get("/show")
    with recorded():
        ScopeGrant.objects.update(last_used_at=None)
    with locked(first.pk):
        began = time.monotonic()
        for _ in range(10):
            assert api.get("/show").status_code == 200
        assert time.monotonic() - began < 2
        first.refresh_from_db()
        assert first.last_used_at is None
        # Of several grants those that are free are written.
        now = timezone.now()
        write_use("default", [first.pk, second.pk], now, now - timedelta(1))
        second.refresh_from_db()
        assert second.last_used_at is not None
    # And the next request writes what was left out.
    assert api.get("/show").status_code == 200
    first.refresh_from_db()
    assert first.last_used_at is not None


@on_servers
@in_transactions
def test_where_rows_cannot_be_skipped_nothing_is_written_and_nobody_waits(
    alice, give, caplog, monkeypatch
):
    """As on MariaDB 10.5."""
    monkeypatch.setattr(connection.features, "has_select_for_update_skip_locked", False)
    [row] = give(alice, "notes:read")
    now = timezone.now()
    with locked(row.pk):
        began = time.monotonic()
        write_use("default", [row.pk], now, now - timedelta(1))
        assert time.monotonic() - began < 2
    assert "could not be recorded" in caplog.text
    write_use("default", [row.pk], now, now - timedelta(1))
    row.refresh_from_db()
    assert row.last_used_at is not None


@pytest.fixture
def file(tmp_path, django_db_blocker):
    """A database of SQLite in a file, as another process may lock it, with a timeout of 20 s."""
    name = str(tmp_path / "database.sqlite3")
    like = connections.databases["default"]
    said = {**like, "ENGINE": "django.db.backends.sqlite3", "NAME": name, "HOST": "", "USER": ""}
    connections.databases["file"] = {**said, "PORT": "", "OPTIONS": {"timeout": 20}}
    try:
        with django_db_blocker.unblock():
            with connections["file"].schema_editor() as editor:
                for model in (get_user_model(), Group, Application, ScopeGrant):
                    editor.create_model(model)
            yield name
    finally:
        connections["file"].close()
        del connections["file"], connections.databases["file"]


def test_sqlite_that_is_locked_as_a_whole_is_not_waited_for_either(file, caplog):
    now = timezone.now()
    get_user_model().objects.using("file").bulk_create([get_user_model()(pk=1, username="alice")])
    row = ScopeGrant(pk=1, scope="notes:read", user_id=1)
    with recorded():
        ScopeGrant.objects.using("file").bulk_create([row])
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        write_use("file", [1], now, now - timedelta(1))
        assert time.monotonic() - began < 2
        other.execute("ROLLBACK")
    assert "could not be recorded" in caplog.text
    write_use("file", [1], now, now - timedelta(1))
    assert ScopeGrant.objects.using("file").get().last_used_at is not None
    # And whatever else asks this connection waits as it is set to.
    with connections["file"].cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        assert cursor.fetchone() == (20_000,)
