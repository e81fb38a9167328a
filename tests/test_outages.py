"""An outage is 503 where somebody signs in too, and it neither blocks nor lets in anybody."""

from __future__ import annotations

import asyncio
import base64
import sqlite3
import time
from contextlib import closing
from unittest.mock import patch

import psycopg
import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.views import LoginView
from django.core.cache import caches
from django.core.cache.backends.base import default_key_func
from django.core.signals import got_request_exception
from django.db import (
    DatabaseError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
    connection,
    transaction,
)
from django.http import HttpResponse
from django.test import AsyncClient
from django.urls import path
from django.utils.decorators import async_only_middleware
from redis.exceptions import ConnectionError as RedisFault
from rest_framework.authentication import BasicAuthentication
from rest_framework.authtoken.views import ObtainAuthToken, obtain_auth_token
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.views import TokenObtainPairView, TokenObtainSlidingView

from api_guard import PUBLIC, SIGNED_IN, guard
from api_guard.authentication import OAuth2Authentication
from api_guard.core.addresses import provider_of
from api_guard.exceptions import is_outage
from api_guard.limits import counters, credentials
from api_guard.limits.counters import CounterFault
from api_guard.limits.credentials import known, owed
from tests.servers import DJANGO_REDIS, MEMCACHED, REDIS

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

PASSWORD = "wonderland"
RIGHT = {"username": "alice", "password": PASSWORD}
WRONG = {"username": "alice", "password": "wrong"}
HOME = {"REMOTE_ADDR": "203.0.113.7"}


@guard(read=SIGNED_IN)
class ByPassword(APIView):
    authentication_classes = [BasicAuthentication]

    def get(self, request):
        return Response(str(request.user))


@guard(read=PUBLIC)
class ByToken(ByPassword):
    authentication_classes = [OAuth2Authentication]


@guard(read=PUBLIC, throttle="5/m")
class Counted(ByPassword):
    authentication_classes = []


@guard(read=PUBLIC)
class Broken(APIView):
    def get(self, request):
        raise OperationalError("down")


@guard(write=PUBLIC)
class OwnTokens(ObtainAuthToken):
    pass


class Swallowing(OwnTokens):
    """Answers 200 whatever happened, as GraphQL does."""

    def post(self, request):
        try:
            return super().post(request)
        except OperationalError:
            return Response({"errors": ["down"]})


def page(request):
    raise page.error


urlpatterns = [
    path("password", ByPassword.as_view()),
    path("token", ByToken.as_view()),
    path("counted", Counted.as_view()),
    path("broken", Broken.as_view()),
    path("page", page),
    path("login/", LoginView.as_view(template_name="admin/login.html")),
    path("admin/", admin.site.urls),
    path("obtain", guard(write=PUBLIC)(obtain_auth_token)),
    path("own-tokens", OwnTokens.as_view()),
    path("pair", guard(write=PUBLIC)(TokenObtainPairView).as_view()),
    path("sliding", guard(write=PUBLIC)(TokenObtainSlidingView).as_view()),
    path("swallowing", Swallowing.as_view()),
    path("refusing", lambda request: HttpResponse(status=403)),
]


def basic(account, password):
    encoded = base64.b64encode(f"{account}:{password}".encode()).decode()
    return {"HTTP_AUTHORIZATION": f"Basic {encoded}"}


@pytest.fixture
def limits(settings):
    def limits(**said):
        settings.API_GUARD = {**settings.API_GUARD, "FAILED_CREDENTIALS": said}

    return limits


def down(error=OperationalError):
    def fail(execute, sql, params, many, context):
        raise error("the database is down")

    return connection.execute_wrapper(fail)


@pytest.mark.parametrize("url", ["/login/", "/admin/login/", "/obtain", "/pair"])
def test_a_login_without_the_database_is_503_and_blocks_nobody(client, alice, limits, caplog, url):
    limits(account_at_address="2/h")
    with down():
        for _ in range(9):
            answer = client.post(url, RIGHT)
            assert (answer.status_code, answer["Retry-After"]) == (503, "5")
            assert answer.json()["code"] == "guard_unavailable"
            assert answer["Cache-Control"] == "no-store"
    assert "could not be answered" in caplog.text
    assert "OperationalError: the database is down" in caplog.text
    assert client.post(url, RIGHT).status_code in (200, 302)


def test_the_admin_without_the_database_is_503(client, admin_user):
    client.force_login(admin_user)
    with down():
        answer = client.get("/admin/", headers={"Accept": "text/html"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.content == b"Access cannot be decided at the moment. Try again in 5 seconds."
    assert client.get("/admin/").status_code == 200


LOGIN_REQUIRED = "django.contrib.auth.middleware.LoginRequiredMiddleware"


def test_so_it_is_where_a_middleware_asks_the_database(client, alice, settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, LOGIN_REQUIRED]
    client.raise_request_exception = False
    client.force_login(alice, "django.contrib.auth.backends.ModelBackend")
    page.error = AssertionError("it was called")
    with down():
        answer = client.get("/page")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    with down(ProgrammingError):
        assert client.get("/page").status_code == 500


@async_only_middleware
def failing(get_response):
    async def fail(request):
        raise page.error

    return fail


@pytest.mark.parametrize(("error", "status"), [(OperationalError, 503), (ZeroDivisionError, 500)])
def test_so_it_is_where_a_coroutine_does(settings, error, status):
    settings.MIDDLEWARE = ["api_guard.middleware.GuardMiddleware", f"{__name__}.failing"]
    page.error = error("down")
    client = AsyncClient(raise_request_exception=False)
    answer = asyncio.run(client.get("/page"))
    assert (answer.status_code, answer.get("Retry-After")) == (
        status,
        "5" if status == 503 else None,
    )


@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL")
@pytest.mark.parametrize("url", ["/login/", "/obtain"])
def test_a_login_at_a_server_that_became_a_standby_is_503_and_blocks_nobody(
    client, alice, limits, url
):
    limits(account_at_address="2/h")
    with connection.cursor() as cursor:
        for _ in range(9):
            with transaction.atomic():
                cursor.execute("SET LOCAL transaction_read_only = on")
                answer = client.post(url, RIGHT)
                transaction.set_rollback(True)
            assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert client.post(url, RIGHT).status_code in (200, 302)


@pytest.mark.parametrize("error", [ProgrammingError, IntegrityError, ZeroDivisionError, OSError])
def test_a_mistake_is_no_outage(client, error):
    client.raise_request_exception = False
    page.error = error("a mistake")
    assert client.get("/page").status_code == 500


def test_what_a_handler_of_drf_raises_is_its_own_affair(client):
    client.raise_request_exception = False
    assert client.get("/broken").status_code == 500


def raised(call, error, django=OperationalError):
    """Return what a driver raises, as Django hands it on."""
    try:
        try:
            call()
        except error as fault:
            raise django(*fault.args) from fault
    except django as wrapped:
        return wrapped
    raise AssertionError("it did not fail")


def of_sqlite(sql):
    def run():
        with closing(sqlite3.connect(":memory:")) as made:
            made.execute("PRAGMA query_only = 1")
            made.execute(sql)

    return raised(run, sqlite3.OperationalError)


def of_postgresql(state):
    error = psycopg.errors.lookup(state)("said")
    is_internal = isinstance(error, psycopg.InternalError)

    def run():
        raise error

    return raised(run, psycopg.Error, InternalError if is_internal else OperationalError)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OperationalError("connection refused"), True),
        (OperationalError(), True),
        (OperationalError(2006, "server has gone away"), True),
        (OperationalError(1205, "lock wait timeout"), True),
        (OperationalError(1054, "unknown column"), False),
        (InterfaceError("connection already closed"), True),
        (DatabaseError("said"), False),
        (InternalError("said"), False),
        (ProgrammingError("no such table"), False),
        (ConnectionError(), True),
        (TimeoutError(), True),
        (FileNotFoundError(), False),
        (RedisFault(), True),
        (ZeroDivisionError(), False),
    ],
)
def test_an_outage_is_told_from_a_mistake(error, expected):
    assert is_outage(error) is expected


def test_an_outage_is_told_from_a_mistake_by_what_the_driver_says():
    assert is_outage(of_sqlite("CREATE TABLE a (b)"))  # readonly
    assert not is_outage(of_sqlite("SELECT * FROM nothing"))
    states = {"57P01": True, "53300": True, "57014": True, "40P01": True, "55P03": True}
    states |= {"54001": False, "55000": False, "25006": True, "25P02": False}
    assert {state: is_outage(of_postgresql(state)) for state in states} == states
    bound = InterfaceError("binding parameter")
    bound.__cause__ = sqlite3.InterfaceError()
    assert not is_outage(bound)


# Who becomes known


@pytest.mark.parametrize("url", ["/obtain", "/own-tokens", "/pair", "/sliding"])
def test_whoever_gets_a_token_for_a_password_is_known_by_its_address(client, alice, limits, url):
    limits(account="2/h", address="2/h")
    assert client.post(url, RIGHT, **HOME).status_code == 200
    for number in range(3):
        client.post(url, WRONG, REMOTE_ADDR=f"198.51.100.{number}")
    assert client.post(url, RIGHT, REMOTE_ADDR="198.51.100.9").status_code == 429
    assert client.post(url, RIGHT, **HOME).status_code == 200
    assert client.post("/login/", RIGHT, **HOME).status_code == 302


def test_a_view_that_answers_200_to_an_outage_makes_nobody_known(client, alice, limits):
    limits(account="2/h")
    with patch.object(get_user_model(), "check_password", side_effect=OperationalError):
        assert client.post("/swallowing", WRONG, **HOME).status_code == 200
    assert known.addresses_of("user:alice") == ()


def test_the_newest_addresses_of_an_account_are_known(client, alice):
    for number in range(40):
        client.post("/obtain", RIGHT, REMOTE_ADDR=f"203.0.113.{number}")
    places = known.addresses_of("user:alice")
    assert len(places) == 20
    found = [number for number in range(40) if known.is_among(f"203.0.113.{number}", places)]
    assert found == list(range(20, 40))


# A new SECRET_KEY


@pytest.mark.parametrize("backend", ["locmem", REDIS, MEMCACHED])
def test_a_new_secret_key_lifts_no_block_and_forgets_no_address(
    client, alice, limits, settings, request, count_on, backend
):
    servers = {REDIS: "shared_redis", MEMCACHED: "memcached"}
    if backend in servers:
        count_on(backend, request.getfixturevalue(servers[backend]))
    limits(account_at_address="2/h", account="3/h", token="2/h")
    assert client.post("/obtain", RIGHT, **HOME).status_code == 200
    guesses = [client.post("/obtain", WRONG, REMOTE_ADDR="198.51.100.1") for _ in range(2)]
    assert [answer.status_code for answer in guesses] == [400, 400]
    bad = [client.get("/token", HTTP_AUTHORIZATION="Bearer bad") for _ in range(2)]
    assert [answer.status_code for answer in bad] == [401, 401]

    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a new one"
    assert client.post("/obtain", RIGHT, REMOTE_ADDR="198.51.100.1").status_code == 429
    assert client.get("/token", HTTP_AUTHORIZATION="Bearer other").status_code == 429
    # What is counted goes on where it was: one more from anywhere, and no more.
    assert client.post("/obtain", WRONG, REMOTE_ADDR="198.51.100.2").status_code == 400
    assert client.post("/obtain", RIGHT, REMOTE_ADDR="198.51.100.3").status_code == 429
    assert client.post("/obtain", RIGHT, **HOME).status_code == 200
    # A process that still has the old one alone counts with them.
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = settings.SECRET_KEY_FALLBACKS[0], []
    assert client.post("/obtain", RIGHT, REMOTE_ADDR="198.51.100.3").status_code == 429
    settings.SECRET_KEY_FALLBACKS = []
    settings.SECRET_KEY = "a third one"
    assert client.post("/obtain", RIGHT, REMOTE_ADDR="198.51.100.3").status_code == 200


def test_a_block_is_lifted_under_every_secret(client, alice, limits, settings):
    limits(account_at_address="1/h")
    settings.SECRET_KEY_FALLBACKS = ["an old one"]
    assert client.post("/obtain", WRONG).status_code == 400
    [block] = credentials.blocks()
    assert credentials.release(block)
    assert not credentials.release(block)
    assert client.post("/obtain", RIGHT).status_code == 200


# Tenants


class Tenants:
    name = "one"


def key_of_tenant(key, prefix, version):
    return default_key_func(key, f"{Tenants.name}-{prefix}", version)


@pytest.mark.parametrize("backend", ["locmem", REDIS, DJANGO_REDIS, MEMCACHED])
def test_what_one_tenant_blocks_does_not_reach_another(
    client, alice, limits, settings, request, count_on, backend, monkeypatch
):
    limits(account_at_address="1/h", token="1/h")
    if backend == "locmem":
        local = settings.CACHES["default"]
        settings.CACHES = {"default": {**local, "KEY_FUNCTION": f"{__name__}.key_of_tenant"}}
    else:
        server = "memcached" if backend == MEMCACHED else "shared_redis"
        count_on(backend, request.getfixturevalue(server))
        by_tenant = {**settings.CACHES["rates"], "KEY_FUNCTION": f"{__name__}.key_of_tenant"}
        settings.CACHES = {**settings.CACHES, "rates": by_tenant}
    monkeypatch.setattr(Tenants, "name", "one")
    bad = {"HTTP_AUTHORIZATION": "Bearer bad"}
    assert client.post("/obtain", WRONG).status_code == 400
    assert [client.get("/token", **bad).status_code for _ in range(3)] == [401, 429, 429]
    assert client.post("/obtain", RIGHT).status_code == 429
    assert len(credentials.blocks()) == 2

    Tenants.name = "two"
    assert credentials.blocks() == []
    assert client.get("/token", **bad).status_code == 401
    assert client.post("/obtain", RIGHT).status_code == 200
    # And known to the one is not known to the other.
    Tenants.name = "one"
    assert known.addresses_of("user:alice") == ()
    assert client.get("/token", **bad).status_code == 429


def test_prefixes_tell_tenants_apart_in_the_memory_of_a_process(client, limits, settings):
    limits(token="1/h")
    bad = {"HTTP_AUTHORIZATION": "Bearer bad"}
    assert [client.get("/token", **bad).status_code for _ in range(2)] == [401, 429]
    settings.CACHES = {"default": {**settings.CACHES["default"], "KEY_PREFIX": "two"}}
    assert client.get("/token", **bad).status_code == 401
    settings.RATELIMIT_USE_CACHE = "nothing"
    assert counters.tenant() == ""


# What is owed


def test_what_could_not_be_given_back_is_given_back_later(client, alice, limits, caplog):
    limits(account_at_address="2/h")
    with patch("api_guard.limits.counters.give_back", side_effect=CounterFault("down")):
        for _ in range(2):
            assert client.post("/obtain", RIGHT).status_code == 200
        # It is tried again with the next attempt, and kept until it is done.
        assert client.post("/obtain", RIGHT).status_code == 200
    assert "is still counted as failed" in caplog.text
    assert len(owed._owed) > 0
    assert [client.post("/obtain", RIGHT).status_code for _ in range(3)] == [200] * 3
    assert len(owed._owed) == 0


def test_what_is_owed_is_forgotten_with_its_window_and_paid_to_its_tenant(
    client, alice, limits, settings, monkeypatch
):
    limits(account="2/h")
    cache = settings.CACHES["default"]
    settings.CACHES = {"default": {**cache, "KEY_FUNCTION": f"{__name__}.key_of_tenant"}}
    monkeypatch.setattr(Tenants, "name", "one")
    with patch("api_guard.limits.counters.give_back", side_effect=CounterFault("down")):
        assert client.post("/refusing", RIGHT).status_code == 403
        assert client.post("/obtain", RIGHT).status_code == 200
    kept = len(owed._owed)
    assert kept > 0
    Tenants.name = "two"
    assert client.post("/obtain", RIGHT).status_code == 200
    assert len(owed._owed) == kept
    Tenants.name = "one"
    clock = time.monotonic
    monkeypatch.setattr("api_guard.limits.credentials.owed.time.monotonic", lambda: clock() + 9999)
    with patch("api_guard.limits.credentials.owed.give_back", side_effect=AssertionError):
        owed.pay()
    assert len(owed._owed) == 0


# What strangers can store


@pytest.mark.parametrize(
    ("address", "provider"),
    [
        ("203.0.113.9", "203.0.0.0/16"),
        ("2001:db8:1:2::/64", "2001:db8::/32"),
        ("unknown", "unknown"),
    ],
)
def test_addresses_of_one_provider_share(address, provider):
    assert provider_of(address) == provider


def test_strangers_who_change_their_address_do_not_fill_redis_and_keep_no_owner_out(
    client, alice, issue, settings, own_redis, count_on
):
    settings.API_GUARD = {**settings.API_GUARD, "MAX_COUNTERS": 10}
    count_on(REDIS, own_redis)
    raw = caches["rates"]._cache.get_client()
    good = {"HTTP_AUTHORIZATION": f"Bearer {issue('notes:read', user=alice).token}"}
    assert client.post("/obtain", RIGHT, **HOME).status_code == 200
    statuses, sizes = set(), []
    for number in range(120):
        far = {"REMOTE_ADDR": f"10.{number % 30}.{number // 30}.1"}
        data = {"username": f"user{number}", "password": "guess"}
        statuses.add(client.post("/obtain", data, **far).status_code)
        statuses.add(client.get("/token", **far, HTTP_AUTHORIZATION=f"Bearer {number}").status_code)
        statuses.add(client.get("/counted", **far).status_code)
        sizes.append(raw.dbsize())
    # Of four limits and a rate as many as may be, and then what strangers share.
    assert statuses <= {200, 400, 401, 429}
    own = [key for key in raw.scan_iter() if b":shared:" not in key and b":stored:" not in key]
    assert len([key for key in own if b":failed:" in key]) <= 4 * 10
    assert sizes[-1] < sizes[59] * 1.5
    # The owner, where it is known, and whoever has a good token.
    assert client.post("/obtain", RIGHT, **HOME).status_code == 200
    assert client.get("/token", **good, REMOTE_ADDR="10.1.1.1").status_code == 200
    # And a guess at a known address is counted by itself.
    guesses = [client.post("/obtain", WRONG, **HOME).status_code for _ in range(11)]
    assert guesses == [400] * 10 + [429]


def test_a_failure_of_no_request_is_nobodys():
    """As a test client or a worker sends it."""
    assert got_request_exception.send_robust(sender=None) != []
    try:
        raise OperationalError("gone")
    except OperationalError:
        for _, answer in got_request_exception.send_robust(sender=None, request=None):
            assert answer is None
