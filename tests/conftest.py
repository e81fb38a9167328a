"""Users, clients, tokens and callers to test with."""

from __future__ import annotations

import gc
import os
from datetime import timedelta

import hypothesis
import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.db import connection, connections
from django.utils import timezone, translation
from oauth2_provider.models import AccessToken, Application
from rest_framework.test import APIClient

from api_guard import grants
from api_guard.access.decisions import telling
from api_guard.grants import tracking, using
from api_guard.limits.counters import faults, local
from api_guard.limits.credentials import owed, strangers
from api_guard.oauth2.remembering import verified_secrets
from tests.faults import table
from tests.management.commands import flush
from tests.servers import count_on as count_on
from tests.servers import memcached as memcached
from tests.servers import own_memcached as own_memcached
from tests.servers import own_redis as own_redis
from tests.servers import shared_redis as shared_redis

# A busy machine says nothing of the code.
hypothesis.settings.register_profile("api_guard", deadline=None)
hypothesis.settings.load_profile("api_guard")

MODELS = "django.contrib.auth.backends.ModelBackend"


# What neither a database nor a version of Python or Django changes: own servers, browsers, clients,
# pages of the docs. Run once, by `make test-all`; `-m "not once"` leaves them out.
_ONCE = {
    "test_admin_browser",
    "test_admin_tasks",
    "test_admin_walk",
    "test_browser",
    "test_browser_deciding",
    "test_browser_grants",
    "test_browser_records",
    "test_clusters",
    "test_counters",
    "test_deadline",
    "test_deployed",
    "test_docs",
    "test_editors",
    "test_example_kit",
    "test_example_project",
    "test_faults",
    "test_flows",
    "test_profiles",
    "test_schemathesis",
    "test_sentinels",
    "test_slow_images",
    "test_swagger",
    "test_walking",
}
# Servers, browsers and processes of their own, whole databases, or very many cases: `-m "not slow"`
# leaves them out.
_SLOW = {
    "test_admin_browser",
    "test_admin_tasks",
    "test_admin_walk",
    "test_async_holes",
    "test_async_permissions",
    "test_authorizing",
    "test_browser",
    "test_browser_deciding",
    "test_browser_grants",
    "test_browser_records",
    "test_clusters",
    "test_connections",
    "test_counters",
    "test_deadline",
    "test_deployed",
    "test_editors",
    "test_example_kit",
    "test_example_project",
    "test_explain",
    "test_faults",
    "test_flows",
    "test_grant_races",
    "test_granting_over_http",
    "test_guard_init",
    "test_ledger_outages",
    "test_ledger_races",
    "test_live_grants_migration",
    "test_scope_use_migration",
    "test_other_users",
    "test_plans",
    "test_profiles",
    "test_read_before",
    "test_replica",
    "test_requests_migration",
    "test_schemathesis",
    "test_scripts",
    "test_sentinels",
    "test_slow_images",
    "test_swagger",
    "test_swapped",
    "test_uvicorn",
    "test_validator",
    "test_walking",
}


# Minutes that are mostly spent waiting, for servers, browsers and timeouts. They come first: others
# run meanwhile, and no worker is left alone with them at the end.
_LONG = {
    "test_admin_walk",
    "test_clusters",
    "test_deployed",
    "test_example_kit",
    "test_example_project",
    "test_faults",
    "test_flows",
    "test_schemathesis",
    "test_sentinels",
    "test_walking",
}


def pytest_collection_modifyitems(config, items):
    """Mark what need not run everywhere; on another database only what asks a database runs."""
    items.sort(key=lambda item: item.path.stem not in _LONG)
    for item in items:
        name = item.path.stem
        if name in _ONCE:
            item.add_marker("once")
        if name in _SLOW:
            item.add_marker("slow")
    if not os.environ.get("ONLY_DATABASE"):
        return
    asks = [
        item
        for item in items
        if (item.get_closest_marker("django_db") or "db" in item.fixturenames)
        and not item.get_closest_marker("any_database")
    ]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(asks)])
    items[:] = asks


def pytest_collection_finish():
    """Spare the collector of garbage what lives as long as the tests: thousands of them."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """PostgreSQL drops no database to which a thread of a test has left a connection open."""
    with django_db_blocker.unblock():
        for database in connections:
            flush.remember(database)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                # No test stops this server: a commit need not wait for the disk.
                name = connection.ops.quote_name(connection.settings_dict["NAME"])
                cursor.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
            connection.close()
    yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


def pytest_terminal_summary(terminalreporter):
    """Print how each fault was answered, as the tests of faults noted it."""
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    table.show(terminalreporter, [row for report in reports for row in table.rows_of(report)])


@pytest.fixture(autouse=True)
def _language():
    """Django's LocaleMiddleware leaves the language of its request on the thread."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def _no_request_counted_yet():
    cache.clear()
    local.clear()
    faults.end_pause()
    strangers.forget_all()
    verified_secrets.forget()
    owed.forget_all()
    telling.cap.forget()
    using.sample.forget()
    tracking.forget_beats()


@pytest.fixture
def alice(db):
    return get_user_model().objects.create_user("alice", password="wonderland")


@pytest.fixture
def bob(db):
    return get_user_model().objects.create_user("bob", password="the builder")


@pytest.fixture
def manager(db):
    """Whoever may give any scope."""
    may = Permission.objects.get(codename="grant_any_scope")
    user = get_user_model().objects.create_user("mia", password="manager", is_staff=True)
    user.user_permissions.add(may)
    return user


@pytest.fixture
def staff(db):
    return get_user_model().objects.create_user("sue", password="staff", is_staff=True)


@pytest.fixture
def admin_user(db):
    return get_user_model().objects.create_superuser("root", password="root")


@pytest.fixture
def application(db):
    return Application.objects.create(
        name="app",
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
    )


@pytest.fixture
def issue(application):
    """Issue an access token, as the authorization server would."""

    def issue(scope="", *, user=None, to=application, seconds=300, **fields):
        return AccessToken.objects.create(
            user=user,
            application=to,
            scope=scope,
            token=f"token-{AccessToken.objects.count()}-of-{user}",
            expires=timezone.now() + timedelta(seconds=seconds),
            **fields,
        )

    return issue


@pytest.fixture
def give():
    """Grant several scopes to one grantee."""

    def give(grantee, *scopes):
        return [grants.grant(scope, grantee, by=grants.System("a test")) for scope in scopes]

    return give


class Caller(APIClient):
    """A client that says who it is."""

    def by_token(self, token):
        self.credentials(HTTP_AUTHORIZATION=f"Bearer {getattr(token, 'token', token)}")
        return self

    def by_session(self, user):
        self.force_login(user, MODELS)
        return self


@pytest.fixture
def api():
    return Caller()
