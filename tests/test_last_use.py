"""When grants were last used is written after the answer, at times, and without waiting."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing, contextmanager
from datetime import timedelta
from unittest.mock import patch

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.signals import request_finished
from django.db import OperationalError, close_old_connections, connection, connections, transaction
from django.http import StreamingHttpResponse
from django.test import AsyncClient
from django.test.utils import CaptureQueriesContext
from django.urls import path
from django.utils import timezone
from oauth2_provider.models import Application
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import grants, guard
from api_guard.grants import tracking, using
from api_guard.grants.using import write_use
from api_guard.models import ScopeGrant, ScopeUse, ScopeUseTracking, recorded
from api_guard.permissions import HasScopes

pytestmark = pytest.mark.urls(__name__)

on_servers = pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite locks no rows")
in_transactions = pytest.mark.django_db(transaction=True)


@guard(read="notes:read", write=("notes:read", "notes:write"))
class Show(APIView):
    def get(self, request):
        return Response()

    def post(self, request):
        raise ZeroDivisionError


@guard(read="notes:read")
class Stream(APIView):
    def get(self, request):
        return StreamingHttpResponse(iter([b"one", b"two"]))


class Listed(APIView):
    permission_classes = [HasScopes("notes:read")]

    def get(self, request):
        return Response()


urlpatterns = [
    path("show", Show.as_view()),
    path("stream", Stream.as_view()),
    path("listed", Listed.as_view()),
]


@contextmanager
def locked(rows):
    """Have another transaction hold these rows."""
    holding, done = threading.Event(), threading.Event()

    def hold():
        try:
            with transaction.atomic():
                list(rows.select_for_update())
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


def wrote(queries):
    words = ("INSERT", "UPDATE")
    return [each["sql"] for each in queries if each["sql"].startswith(words)]


@pytest.fixture
def always(settings):
    settings.API_GUARD = {**settings.API_GUARD, "LAST_USED_INTERVAL": 0}


@pytest.fixture
def clock():
    """A clock that a test moves."""

    class Clock:
        now = timezone.now()

        def move(self, **by):
            self.now += timedelta(**by)

    clock = Clock()
    with patch("django.utils.timezone.now", lambda: clock.now):
        yield clock


# After the answer


@in_transactions
def test_a_use_is_written_after_the_answer_and_once_an_interval(api, alice, give, clock):
    [row] = give(alice, "notes:read")
    api.by_session(alice).get("/show")
    assert ScopeGrant.objects.get().last_used_at == clock.now
    first = clock.now
    clock.move(seconds=299)
    with CaptureQueriesContext(connection) as queries:
        api.get("/show")
    assert wrote(queries) == []
    assert "api_guard_scopeuse" not in str(queries.captured_queries)
    row.refresh_from_db()
    assert row.last_used_at == first
    clock.move(seconds=1)
    api.get("/show")
    row.refresh_from_db()
    assert row.last_used_at == clock.now


@in_transactions
def test_it_is_recorded_where_has_scopes_requires_the_scope(api, alice, give):
    [row, other] = give(alice, "notes:read", "notes:write")
    assert api.by_session(alice).get("/listed").status_code == 200
    assert set(ScopeUse.objects.values_list("grant", flat=True)) == {row.pk}
    assert ScopeGrant.objects.get(pk=other.pk).last_used_at is None


@in_transactions
def test_a_use_counts_even_if_the_handler_fails_and_its_transaction_is_rolled_back(
    api, alice, give, monkeypatch
):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    read, write = give(alice, "notes:read", "notes:write")
    api.raise_request_exception = False
    assert api.by_session(alice).post("/show").status_code == 500
    assert ScopeUse.objects.filter(pk__in=[read.pk, write.pk]).count() == 2


@in_transactions
def test_a_stream_is_written_when_it_ends(api, alice, give):
    [row] = give(alice, "notes:read")
    response = api.by_session(alice).get("/stream")
    assert row.last_used_at is None
    assert b"".join(response.streaming_content) == b"onetwo"
    row.refresh_from_db()
    assert row.last_used_at is not None


@in_transactions
def test_an_asynchronous_server_writes_it_too(alice, give, issue, application):
    [row] = give(alice, "notes:read")
    give(application, "notes:read")
    token = issue("notes:read", user=alice)

    headers = {"Authorization": f"Bearer {token.token}"}
    assert async_to_sync(AsyncClient().get)("/show", headers=headers).status_code == 200
    # A server sends the signal in the thread that served; the client of tests does not.
    async_to_sync(request_finished.asend)(sender=None)
    row.refresh_from_db()
    assert row.last_used_at is not None
    assert ScopeUse.objects.count() == 2


def test_it_is_written_before_django_closes_the_connection():
    """Else each write would open a connection, which nobody would close."""
    receivers = [each[1]() for each in request_finished.receivers]
    assert receivers.index(using.write_uses) < receivers.index(close_old_connections)


def test_the_receivers_of_others_keep_their_places():
    def early(**kwargs):
        raise AssertionError("to connect is not to call")

    def late(**kwargs):
        pass

    before = list(request_finished.receivers)
    try:
        request_finished.receivers.clear()
        request_finished.connect(early, weak=False)
        using.connect()
        request_finished.connect(late)
        using.connect()
        order = [each[0][0] for each in request_finished.receivers]
    finally:
        request_finished.receivers[:] = before
        request_finished.sender_receivers_cache.clear()
    assert order == ["api_guard.grants", id(early), id(late)]


@in_transactions
def test_a_database_that_refuses_the_write_is_left_alone_for_ten_seconds(alice, give, clock):
    """A replica that only reads would be asked after each request by another grant."""
    give(alice, "notes:read", "notes:write")
    rows = grants.live_grants(alice, None)
    with patch("api_guard.grants.using.write_use", side_effect=OperationalError("read only")) as to:
        for scope in ("notes:read", "notes:write"):
            grants.record_use(rows, [scope])
            using.write_uses()
    assert to.call_count == 1
    clock.move(seconds=10)
    grants.record_use(rows, ["notes:write"])
    using.write_uses()
    assert ScopeUse.objects.count() == 1


def test_in_a_test_that_is_rolled_back_nothing_is_asked(api, alice, give):
    give(alice, "notes:read")
    with CaptureQueriesContext(connection) as queries:
        api.by_session(alice).get("/show")
    assert "api_guard_scopeuse" not in str(queries.captured_queries)
    assert not using.sample.databases()


@in_transactions
@pytest.mark.skipif(connection.vendor == "sqlite", reason="a database in memory has one connection")
def test_the_work_of_a_project_that_commits_by_itself_is_not_committed(alice, give):
    [row] = give(alice, "notes:read")
    connection.set_autocommit(False)
    try:
        get_user_model().objects.create_user("ghost")
        grants.record_use(grants.live_grants(alice, None), ["notes:read"])
        using.write_uses()
        connection.rollback()
    finally:
        connection.set_autocommit(True)
    row.refresh_from_db()
    assert row.last_used_at is not None
    assert not get_user_model().objects.filter(username="ghost").exists()


# How much is written


@in_transactions
def test_10_000_requests_with_ten_grants_in_five_minutes_write_ten_rows(alice, give, clock):
    """docs/cost.md says it."""
    people = [alice, *(get_user_model().objects.create_user(f"user {n}") for n in range(9))]
    rows = {person: give(person, "notes:read") for person in people}
    asked = [grants.live_grants(person, None) for person in people]
    with CaptureQueriesContext(connection) as queries:
        for number in range(10_000):
            grants.record_use(asked[number % 10], ["notes:read"])
            using.write_uses()
            clock.move(milliseconds=29)
    written = [sql for sql in wrote(queries) if "api_guard_scopeuse`" in sql or 'scopeuse"' in sql]
    assert len(written) == 10
    assert len(queries) <= 10 * 12  # with BEGIN, COMMIT and, on SQLite, three PRAGMAs
    assert ScopeUse.objects.count() == len(rows) == 10
    use = ScopeUse.objects.first()
    assert str(use) == f"grant {use.pk} at {use.last_used_at}"


@in_transactions
def test_threads_write_a_grant_once(alice, give):
    give(alice, "notes:read")
    rows = grants.live_grants(alice, None)
    written = []
    barrier = threading.Barrier(8)

    def use():
        connection.ensure_connection()
        barrier.wait()
        for _ in range(200):
            grants.record_use(rows, ["notes:read"])
            using.write_uses()
        raw = connection.connection
        connections.close_all()
        if connection.vendor == "sqlite":
            raw.close()  # Django keeps a connection to a database in memory open

    with patch("api_guard.grants.using.write_use", lambda *a: written.append(a) or frozenset()):
        threads = [threading.Thread(target=use) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(written) == 1


@in_transactions
def test_a_thread_that_is_late_writes_nothing(alice, give):
    give(alice, "notes:read")
    grants.record_use(grants.live_grants(alice, None), ["notes:read"])
    taken = using.sample.take("default")
    with (
        patch.object(using.sample, "databases", lambda: frozenset({"default"})),
        CaptureQueriesContext(connection) as queries,
    ):
        using.write_uses()
    assert len(taken) == 1
    assert len(queries) == 0


@pytest.mark.django_db
def test_a_grant_of_another_scope_was_not_used(alice, give):
    give(alice, "notes:read")
    grants.record_use(grants.live_grants(alice, None), ["notes:write"])
    assert not using.sample.databases()


# Nobody waits


@on_servers
@in_transactions
def test_requests_wait_for_nobody_who_has_locked_a_use(api, alice, give, always):
    first, second = give(alice, "notes:read", "notes:write")
    api.by_session(alice).get("/show")
    before = ScopeUse.objects.get().last_used_at
    with locked(ScopeUse.objects.all()):
        began = time.monotonic()
        for _ in range(10):
            assert api.get("/show").status_code == 200
        assert time.monotonic() - began < 2
        first.refresh_from_db()
        assert first.last_used_at == before
        # Of several grants those that are free are written.
        now = timezone.now()
        assert write_use("default", [first.pk, second.pk], now, now) == {first.pk}
        second.refresh_from_db()
        assert second.last_used_at is not None
    # And the next request writes what was left out.
    assert api.get("/show").status_code == 200
    first.refresh_from_db()
    assert first.last_used_at > before


@on_servers
@in_transactions
def test_a_first_use_waits_for_nobody_who_has_locked_the_grant(api, alice, give, always):
    """The check of the foreign key would."""
    [row] = give(alice, "notes:read")
    with locked(ScopeGrant.objects.all()):
        began = time.monotonic()
        for _ in range(10):
            assert api.by_session(alice).get("/show").status_code == 200
        assert time.monotonic() - began < 2
        assert not ScopeUse.objects.exists()
    assert api.get("/show").status_code == 200
    row.refresh_from_db()
    assert row.last_used_at is not None


@on_servers
@in_transactions
def test_where_rows_cannot_be_skipped_nothing_is_written_and_nobody_waits(
    alice, give, caplog, monkeypatch
):
    """As on MariaDB 10.5."""
    monkeypatch.setattr(connection.features, "has_select_for_update_skip_locked", False)
    [row] = give(alice, "notes:read")
    rows = grants.live_grants(alice, None)
    with locked(ScopeGrant.objects.all()):
        began = time.monotonic()
        grants.record_use(rows, ["notes:read"])
        using.write_uses()
        assert time.monotonic() - began < 2
    assert "could not be recorded" in caplog.text
    now = timezone.now()
    assert write_use("default", [row.pk], now, now) == frozenset()
    row.refresh_from_db()
    assert row.last_used_at == now


@in_transactions
def test_what_could_not_be_written_is_tried_again_after_ten_seconds(alice, give, clock):
    [row] = give(alice, "notes:read")
    rows = grants.live_grants(alice, None)
    with patch("api_guard.grants.using.write_use", lambda *a: frozenset({row.pk})):
        grants.record_use(rows, ["notes:read"])
        using.write_uses()
    clock.move(seconds=9)
    grants.record_use(rows, ["notes:read"])
    using.write_uses()
    assert not ScopeUse.objects.exists()
    clock.move(seconds=1)
    grants.record_use(rows, ["notes:read"])
    using.write_uses()
    assert ScopeUse.objects.get().last_used_at == clock.now


@in_transactions
def test_another_process_that_has_just_written_is_not_repeated(alice, give):
    [row] = give(alice, "notes:read")
    now = timezone.now()
    ScopeUse.objects.create(grant=row, last_used_at=now - timedelta(seconds=60))
    with CaptureQueriesContext(connection) as queries:
        assert write_use("default", [row.pk], now, now - timedelta(seconds=300)) == frozenset()
    assert wrote(queries) == []


@in_transactions
def test_a_grant_that_was_deleted_meanwhile_is_left_out(alice, give):
    [row] = give(alice, "notes:read")
    alice.delete()
    now = timezone.now()
    assert write_use("default", [row.pk], now, now) == {row.pk}
    assert not ScopeUse.objects.exists()


@in_transactions
def test_the_use_is_deleted_with_its_grant(alice, give):
    [row] = give(alice, "notes:read")
    now = timezone.now()
    write_use("default", [row.pk], now, now)
    alice.delete()
    assert not ScopeUse.objects.exists()


@pytest.fixture
def file(tmp_path, django_db_blocker):
    """A database of SQLite in a file, as another process may lock it, with a timeout of 20 s."""
    name = str(tmp_path / "database.sqlite3")
    like = connections.databases["default"]
    said = {**like, "ENGINE": "django.db.backends.sqlite3", "NAME": name, "HOST": "", "USER": ""}
    connections.databases["file"] = {**said, "PORT": "", "OPTIONS": {"timeout": 20}}
    models = (get_user_model(), Group, Application, ScopeGrant, ScopeUse, ScopeUseTracking)
    try:
        with django_db_blocker.unblock():
            with connections["file"].schema_editor() as editor:
                for model in models:
                    editor.create_model(model)
            get_user_model()(pk=1, username="alice").save(using="file")
            with recorded():
                row = ScopeGrant(pk=1, scope="notes:read", user_id=1)
                ScopeGrant.objects.using("file").bulk_create([row])
            yield name
    finally:
        connections["file"].close()
        del connections["file"], connections.databases["file"]


def use_in_file():
    now = timezone.now()
    using.sample.note("file", [1], now, timedelta(0))
    using.write_uses()
    return now


def test_sqlite_that_is_locked_as_a_whole_is_not_waited_for_either(file, always, caplog, clock):
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        use_in_file()
        assert time.monotonic() - began < 2
        other.execute("ROLLBACK")
    assert "could not be recorded" in caplog.text
    clock.move(seconds=10)
    now = use_in_file()
    assert ScopeGrant.objects.using("file").get().last_used_at == now
    # And whatever else asks this connection waits as it is set to.
    with connections["file"].cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        assert cursor.fetchone() == (20_000,)


def test_a_setting_that_commits_by_itself_gets_another_connection(file, always):
    theirs = connections["file"]
    theirs.settings_dict["AUTOCOMMIT"] = False
    theirs.close()
    theirs.connect()
    now = use_in_file()
    assert connections["file"] is theirs
    theirs.close()
    assert ScopeUse.objects.using("file").get().last_used_at == now


def test_no_connection_is_opened_for_it(file, always):
    """A client of tests finishes an asynchronous request in a thread of its own."""
    connections["file"].close()
    use_in_file()
    assert connections["file"].connection is None
    assert using.sample.databases() == {"file"}
    connections["file"].connect()
    using.write_uses()
    assert ScopeUse.objects.using("file").count() == 1


# Since when


def track(now):
    tracking.keep_tracking("default", now)


@pytest.mark.django_db
def test_the_recording_begins_with_the_migration_or_with_the_first_use():
    row = ScopeUseTracking.objects.first()
    if row is not None:  # a test with transactions has emptied the table
        row.delete()
    now = timezone.now()
    assert tracking.tracked_since(now) is None
    track(now)
    assert tracking.tracked_since(now) == now
    assert str(ScopeUseTracking.objects.get()) == f"from {now} to {now}"


@pytest.mark.django_db
def test_a_gap_of_more_than_seven_days_begins_the_recording_again():
    ScopeUseTracking.objects.all().delete()
    now = timezone.now()
    track(now)
    track(now + timedelta(minutes=59))
    assert ScopeUseTracking.objects.get().seen_at == now
    tracking.forget_beats()  # another process, which is not due either
    track(now + timedelta(minutes=59))
    assert ScopeUseTracking.objects.get().seen_at == now
    for day in range(1, 8):
        track(now + timedelta(days=day))
    last = now + timedelta(days=7)
    assert ScopeUseTracking.objects.get().seen_at == last
    assert tracking.tracked_since(last) == now
    assert tracking.tracked_since(last + timedelta(days=7)) == now
    assert tracking.tracked_since(last + timedelta(days=7, seconds=1)) is None
    again = last + timedelta(days=8)
    track(again)
    assert tracking.tracked_since(again) == again
