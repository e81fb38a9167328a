"""Failed credentials: what is verified, what is refused unseen, and who is let in all the same."""

from __future__ import annotations

import asyncio
import base64
import logging
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from unittest.mock import patch

import pytest
from django.contrib import admin
from django.contrib.auth import aauthenticate, authenticate, get_user_model
from django.contrib.auth.views import LoginView
from django.core.cache import cache
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, connections
from django.http import HttpResponse
from django.test import AsyncClient, AsyncRequestFactory, RequestFactory
from django.urls import path
from rest_framework.authentication import (
    BaseAuthentication,
    BasicAuthentication,
    SessionAuthentication,
    TokenAuthentication,
)
from rest_framework.authtoken.models import Token
from rest_framework.authtoken.views import obtain_auth_token
from rest_framework.exceptions import AuthenticationFailed, ParseError
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import PUBLIC, SIGNED_IN, grants, guard, ledger
from api_guard.authentication import OAuth2Authentication
from api_guard.core.attempts import normal_account
from api_guard.core.rates import Counter, Rate
from api_guard.exceptions import TooManyFailures
from api_guard.limits import counters, credentials
from api_guard.limits.counters import CounterFault
from api_guard.limits.counters.shared import _held
from api_guard.limits.credentials import account_of_basic, known
from api_guard.middleware import GuardMiddleware
from api_guard.models import LedgerRecord
from api_guard.signals import credentials_blocked
from tests.servers import REDIS, TIMEOUT

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

PASSWORD = "wonderland"
LOCAL = "django.core.cache.backends.locmem.LocMemCache"


class Answer(APIView):
    def get(self, request):
        return Response(str(request.user))


@guard(read=SIGNED_IN)
class ByPassword(Answer):
    authentication_classes = [BasicAuthentication, SessionAuthentication]


@guard(read=PUBLIC)
class ByToken(Answer):
    authentication_classes = [OAuth2Authentication, BasicAuthentication]


@guard(read=PUBLIC)
class ByKey(Answer):
    authentication_classes = [TokenAuthentication]


class OwnKeys(BaseAuthentication):
    """As many projects write it: a header of its own, and no challenge."""

    def authenticate(self, request):
        if request.META.get("HTTP_X_KEY") == "right":
            return
        raise AuthenticationFailed("no such key")


@guard(read=PUBLIC)
class ByOwnKey(Answer):
    authentication_classes = [OwnKeys]


def sign_in(request):
    user = authenticate(request, **request.POST.dict())
    return HttpResponse(str(user), status=200 if user else 401)


def sign_in_twice(request):
    both = [authenticate(request, username="alice", password=p) for p in request.POST.getlist("p")]
    return HttpResponse(str([str(user) for user in both]))


async def sign_in_slowly(request):
    user = await aauthenticate(request, username="alice", password=request.POST["password"])
    return HttpResponse(str(user), status=200 if user else 401)


urlpatterns = [
    path("password", ByPassword.as_view()),
    path("token", ByToken.as_view()),
    path("key", ByKey.as_view()),
    path("own-key", ByOwnKey.as_view()),
    path("sign-in", sign_in),
    path("sign-in-twice", sign_in_twice),
    path("sign-in-slowly", sign_in_slowly),
    path("login/", LoginView.as_view(template_name="admin/login.html")),
    path("obtain", guard(write=PUBLIC)(obtain_auth_token)),
    path("admin/", admin.site.urls),
]


def basic(account, password):
    encoded = base64.b64encode(f"{account}:{password}".encode()).decode()
    return {"HTTP_AUTHORIZATION": f"Basic {encoded}"}


@pytest.fixture
def limits(settings):
    def limits(**said):
        settings.API_GUARD = {**settings.API_GUARD, "FAILED_CREDENTIALS": said}

    return limits


@pytest.fixture
def verified():
    """Count what is verified: the calls of check_password, and the searches for a user."""
    model = get_user_model()
    whole = model.check_password
    with patch.object(model, "check_password", autospec=True, side_effect=whole) as spy:
        yield spy


def statuses(call, times):
    return [call(number).status_code for number in range(times)]


def counts(found):
    return {status: found.count(status) for status in sorted(set(found))}


def test_of_bad_tokens_the_first_thirty_are_401_and_a_good_one_is_let_in_beside_them(
    api, alice, issue
):
    good = {"HTTP_AUTHORIZATION": f"Bearer {issue('notes:read', user=alice).token}"}
    found = []
    for number in range(200):
        bad = {"HTTP_AUTHORIZATION": f"Bearer bad{number}"}
        found.append(api.get("/token", **bad).status_code)
        if number % 20 == 19:
            assert api.get("/token", **good).json() == "alice"
    assert found == [401] * 30 + [429] * 170
    assert api.get("/token", REMOTE_ADDR="203.0.113.7", **bad).status_code == 401


def test_a_bad_token_that_comes_again_is_refused_without_a_look_at_it(
    api, limits, django_assert_num_queries
):
    limits(token="2/h")
    bad = {"HTTP_AUTHORIZATION": "Bearer bad"}
    assert statuses(lambda _: api.get("/token", **bad), 3) == [401, 401, 429]
    with (
        django_assert_num_queries(0),
        patch("api_guard.limits.counters.take", side_effect=AssertionError("asked the cache")),
    ):
        refused = api.get("/token", **bad)
    assert refused.status_code == 429
    wait = int(refused["Retry-After"])
    assert refused.json() == {
        "detail": "Too many failed attempts.",
        "code": "too_many_failures",
        "wait": wait,
        "decision": refused.json()["decision"],
    }
    assert 1 <= wait <= 31
    # Another one is looked at: it may be good.
    with django_assert_num_queries(1):
        other = api.get("/token", HTTP_AUTHORIZATION="Bearer other")
    assert other.status_code == 429
    elsewhere = api.get("/token", REMOTE_ADDR="203.0.113.7", **bad)
    assert elsewhere.status_code == 401


def test_keys_of_every_kind_are_counted(api, alice, limits):
    limits(token="3/h")
    good = Token.objects.create(user=alice)
    found = statuses(lambda n: api.get("/key", HTTP_AUTHORIZATION=f"Token bad{n}"), 3)
    found += statuses(lambda n: api.get("/own-key", HTTP_X_KEY=f"bad{n}"), 1)
    assert found == [401, 401, 401, 429]
    assert api.get("/key", HTTP_AUTHORIZATION=f"Token {good.key}").status_code == 200
    assert api.get("/own-key", HTTP_X_KEY="right").status_code == 200


def test_of_bad_passwords_for_one_account_ten_are_verified(api, alice, verified):
    found = statuses(lambda n: api.get("/password", **basic("alice", f"wrong{n}")), 200)
    assert counts(found) == {401: 10, 429: 190}
    assert verified.call_count == 10
    # What is refused says nothing of the password: the right one fares like the others.
    right, wrong = (api.get("/password", **basic("alice", p)) for p in (PASSWORD, "wrong"))
    assert (right.status_code, right.json()) == (wrong.status_code, wrong.json())
    assert verified.call_count == 10
    # And nothing of the account: one that does not exist fares like it.
    found = statuses(lambda n: api.get("/password", **basic("nobody", f"wrong{n}")), 20)
    assert counts(found) == {401: 10, 429: 10}
    # Its owner, elsewhere, is served.
    owner = api.get("/password", REMOTE_ADDR="203.0.113.7", **basic("alice", PASSWORD))
    assert owner.json() == "alice"


def test_of_two_hundred_accounts_stuffed_from_one_address_a_hundred_are_verified(
    api, alice, bob, verified
):
    known_here = api.get("/password", **basic("alice", PASSWORD))
    assert known_here.status_code == 200
    found = statuses(lambda n: api.get("/password", **basic(f"user{n}", "123456")), 200)
    assert counts(found) == {401: 100, 429: 100}
    # Whoever signed in from there before is let in; a stranger there has to wait.
    assert api.get("/password", **basic("alice", PASSWORD)).status_code == 200
    assert api.get("/password", **basic("bob", "the builder")).status_code == 429
    stranger = api.get("/password", REMOTE_ADDR="203.0.113.7", **basic("bob", "the builder"))
    assert stranger.status_code == 200


def test_an_account_under_attack_from_everywhere_is_slowed_and_its_owner_let_in(
    api, alice, verified
):
    home = {"REMOTE_ADDR": "203.0.113.7"}
    assert api.get("/password", **home, **basic("alice", PASSWORD)).status_code == 200
    verified.reset_mock()

    def guess(number):
        far = {"REMOTE_ADDR": f"198.51.100.{number}"}
        return api.get("/password", **far, **basic("alice", f"wrong{number}"))

    assert counts(statuses(guess, 100)) == {401: 30, 429: 70}
    assert verified.call_count == 30
    assert api.get("/password", **home, **basic("alice", PASSWORD)).status_code == 200
    # From a new place the owner waits, no longer than the window: what is refused adds nothing.
    new = api.get("/password", REMOTE_ADDR="192.0.2.1", **basic("alice", PASSWORD))
    assert (new.status_code, int(new["Retry-After"]) <= 3600) == (429, True)


def test_a_known_address_guesses_no_more_than_any_other(api, alice, verified):
    assert api.get("/password", **basic("alice", PASSWORD)).status_code == 200
    found = statuses(lambda n: api.get("/password", **basic("alice", f"wrong{n}")), 20)
    assert counts(found) == {401: 10, 429: 10}
    assert verified.call_count == 11


def test_another_spelling_of_an_account_has_no_count_of_its_own(api, alice, limits):
    limits(account_at_address="3/h")
    spellings = ["alice", "ALICE", " alice", "ａｌｉｃｅ", "Alice"]
    found = statuses(lambda n: api.get("/password", **basic(spellings[n], "wrong")), 5)
    assert found == [401, 401, 401, 429, 429]
    assert normal_account("ﬁ" * 9999) == "fi" * 1024


@pytest.mark.skipif(
    connection.vendor == "mysql", reason="its collations take the two names for one"
)
def test_whoever_owns_nearly_the_same_name_is_not_known_to_the_account(api, alice, limits):
    limits(account="1/h")
    get_user_model().objects.create_user("ALICE", password="mine")
    assert api.get("/password", **basic("ALICE", "mine")).status_code == 200
    found = statuses(lambda _: api.get("/password", **basic("alice", "wrong")), 2)
    assert found == [401, 429]


def test_the_owner_may_come_as_often_as_it_likes(api, alice):
    assert statuses(lambda _: api.get("/password", **basic("alice", PASSWORD)), 50) == [200] * 50
    data = {"username": "alice", "password": PASSWORD}
    assert statuses(lambda _: api.post("/obtain", data), 50) == [200] * 50
    assert statuses(lambda _: api.post("/sign-in", data, format="multipart"), 50) == [200] * 50
    assert statuses(lambda _: api.post("/login/", data, format="multipart"), 50) == [302] * 50


@pytest.mark.parametrize("url", ["/login/", "/admin/login/?next=/admin/", "/sign-in"])
def test_a_login_of_django_is_limited_before_it_verifies(client, admin_user, verified, url):
    def post(password):
        return client.post(url, {"username": "root", "password": password})

    found = [post(f"wrong{n}") for n in range(20)]
    assert verified.call_count == 10
    assert {r.status_code for r in found[:10]} <= {200, 401}
    assert {r.status_code for r in found[10:]} == {429}
    right = post("root")
    assert (right.status_code, right.json()["code"]) == (429, "too_many_failures")
    assert int(right["Retry-After"]) >= 1
    page = client.post(
        url, {"username": "root", "password": "root"}, headers={"Accept": "text/html"}
    )
    assert page["Content-Type"].startswith("text/plain")
    assert page.content.startswith(b"Too many failed attempts. Try again in ")
    assert verified.call_count == 10


def test_an_api_view_that_takes_passwords_is_limited(api, alice, verified):
    found = statuses(
        lambda n: api.post("/obtain", {"username": "alice", "password": f"wrong{n}"}), 20
    )
    assert counts(found) == {400: 10, 429: 10}
    assert verified.call_count == 10


def test_several_tries_in_one_request_are_several(client, alice, limits, verified):
    limits(account_at_address="2/h")
    found = client.post("/sign-in-twice", {"p": ["wrong", "wrong", PASSWORD]})
    assert (found.status_code, verified.call_count) == (429, 2)


def test_the_first_of_several_tries_that_is_good_is_given_back(client, alice, limits):
    limits(account_at_address="2/h")
    for _ in range(3):
        found = client.post("/sign-in-twice", {"p": [PASSWORD, PASSWORD]})
        assert found.content == b"['alice', 'alice']"


def test_a_login_under_asgi_is_limited(alice, limits, settings, db):
    limits(account_at_address="2/h")

    async def run():
        client, found = AsyncClient(), []
        for password in (PASSWORD, PASSWORD, PASSWORD, "wrong", "wrong", PASSWORD):
            answer = await client.post("/sign-in-slowly", {"password": password})
            found.append(answer.status_code)
        return found

    with patch("django.contrib.auth.backends.ModelBackend.aauthenticate") as verify:

        async def check(request, username=None, password=None):
            return alice if password == PASSWORD else None

        verify.side_effect = check
        assert asyncio.run(run()) == [200, 200, 200, 401, 401, 429]


def test_a_login_without_a_request_is_limited_by_account(alice, limits, verified):
    limits(account="2/h")
    assert [authenticate(username="alice", password="wrong") for _ in range(4)] == [None] * 4
    assert authenticate(username="alice", password=PASSWORD) is None
    assert verified.call_count == 2


def test_a_login_without_a_request_that_succeeds_counts_for_nothing(alice, limits):
    limits(account="2/h")
    assert [authenticate(username="alice", password=PASSWORD) for _ in range(5)] == [alice] * 5


def test_without_the_middleware_a_block_is_a_wrong_password(alice, limits):
    limits(account_at_address="1/h")
    request = RequestFactory().get("/")
    assert authenticate(request, username="alice", password="wrong") is None
    assert authenticate(request, username="alice", password=PASSWORD) is None


def test_what_another_server_vouched_for_is_no_guess(alice, limits, settings):
    limits(address="1/h")
    settings.AUTHENTICATION_BACKENDS = [
        "api_guard.backends.LoginLimit",
        "django.contrib.auth.backends.RemoteUserBackend",
    ]
    request = RequestFactory().get("/")
    assert [authenticate(request, remote_user="alice") for _ in range(3)] == [alice] * 3
    assert authenticate(request) is None


def test_a_secret_without_an_account_is_limited_by_address(limits, settings, rf):
    limits(address="2/h")
    settings.AUTHENTICATION_BACKENDS = ["api_guard.backends.LoginLimit", f"{__name__}.Codes"]
    Codes.asked = 0
    assert [authenticate(rf.get("/"), code="1234") for _ in range(4)] == [None] * 4
    assert Codes.asked == 2


class Codes:
    asked = 0

    def authenticate(self, request, code):
        Codes.asked += 1


class Raising:
    """A backend that fails after another one has said no."""

    error = RuntimeError

    def authenticate(self, request, username=None, password=None):
        raise self.error("after a guess was verified")


@pytest.mark.parametrize(
    ("error", "status"), [(RuntimeError, 500), (OperationalError, 503), (ConnectionError, 503)]
)
def test_an_attempt_that_could_not_be_verified_counts_for_nothing(
    client, alice, settings, limits, error, status
):
    limits(account_at_address="2/h")
    backends = settings.AUTHENTICATION_BACKENDS
    client.raise_request_exception = False
    right = {"username": "alice", "password": PASSWORD}
    for first in (True, False):
        # Where it comes after a backend that says no, and where it keeps that one from being asked.
        ours, django = backends
        raising = f"{__name__}.Raising"
        settings.AUTHENTICATION_BACKENDS = (
            [ours, raising, django] if first else [ours, django, raising]
        )
        with patch.object(Raising, "error", error):
            data = {"username": "alice", "password": "wrong"}
            assert statuses(lambda _: client.post("/sign-in", data), 4) == [status] * 4  # noqa: B023
        settings.AUTHENTICATION_BACKENDS = backends
        assert client.post("/sign-in", right).status_code == 200


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RuntimeError, [500] * 4),
        (OperationalError, [503] * 4),
        (ConnectionError, [503] * 4),
        # What Django and DRF answer with a 4xx is a no, whoever says it.
        (SuspiciousOperation, [400, 400, 429, 429]),
        (ParseError, [400, 400, 429, 429]),
    ],
)
def test_a_basic_guess_counts_where_the_answer_is_a_refusal_and_not_where_it_is_a_failure(
    client, alice, settings, limits, error, expected
):
    limits(account_at_address="2/h")
    backends = settings.AUTHENTICATION_BACKENDS
    settings.AUTHENTICATION_BACKENDS = [*backends, f"{__name__}.Raising"]
    client.raise_request_exception = False
    with patch.object(Raising, "error", error):
        assert statuses(lambda _: client.get("/password", **basic("alice", "x")), 4) == expected
    settings.AUTHENTICATION_BACKENDS = backends
    served = client.get("/password", **basic("alice", PASSWORD)).status_code
    assert served == (200 if expected[-1] >= 500 else 429)


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
@pytest.mark.parametrize("url", ["/sign-in", "/password"])
def test_an_attempt_in_a_worker_that_is_ended_counts_for_nothing(
    client, alice, settings, limits, error, url
):
    """As gunicorn ends a worker that waits for a hung database."""
    limits(account_at_address="2/h")
    backends = settings.AUTHENTICATION_BACKENDS
    settings.AUTHENTICATION_BACKENDS = [backends[0], f"{__name__}.Raising", *backends[1:]]
    right = {"username": "alice", "password": PASSWORD}

    def sign_in():
        if url == "/sign-in":
            return client.post(url, right).status_code
        return client.get(url, **basic("alice", PASSWORD)).status_code

    with patch.object(Raising, "error", error):
        for _ in range(9):
            with pytest.raises(error):
                sign_in()
    settings.AUTHENTICATION_BACKENDS = backends
    assert sign_in() == 200


def test_a_caller_who_hangs_up_under_asgi_has_guessed_all_the_same(alice, limits):
    limits(account_at_address="2/h")

    async def run(verify):
        with patch("django.contrib.auth.backends.ModelBackend.aauthenticate", verify):
            return await AsyncClient().post("/sign-in-slowly", {"password": PASSWORD})

    async def gone(*args, **kwargs):
        raise asyncio.CancelledError

    async def right(*args, **kwargs):
        return alice

    for _ in range(2):
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(run(gone))
    assert asyncio.run(run(right)).status_code == 429


def test_what_ends_a_request_without_an_attempt_goes_on(rf):
    def broken(request):
        raise SystemExit

    async def broken_too(request):
        raise asyncio.CancelledError

    with pytest.raises(SystemExit):
        GuardMiddleware(broken)(rf.get("/"))
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(GuardMiddleware(broken_too)(AsyncRequestFactory().get("/")))


@pytest.mark.parametrize("field", ["Basic", "Basic %%%", "Basic YWxpY2U=", "basic  ", "Basic é"])
def test_a_basic_field_that_cannot_be_read_is_counted_by_address(api, limits, field):
    limits(token="2/h")
    found = statuses(lambda _: api.get("/password", HTTP_AUTHORIZATION=field), 3)
    assert found == [401, 401, 429]


def test_the_account_of_a_basic_field():
    assert account_of_basic(basic("älice", "a:b")["HTTP_AUTHORIZATION"]) == "älice"
    latin = base64.b64encode("älice:x".encode("latin-1")).decode()
    assert account_of_basic(f"bAsIc {latin}") == "älice"
    assert account_of_basic("Bearer YTpi") is None


def test_basic_for_a_view_that_takes_none_is_no_attempt(api, limits):
    limits(account_at_address="1/h", token="1/h")
    assert statuses(lambda _: api.get("/key", **basic("alice", "wrong")), 3) == [200] * 3


class Shy(BasicAuthentication):
    """Claims the scheme, and then has nothing to say of it."""

    def authenticate(self, request):
        return None


@guard(read=PUBLIC)
class ByNothing(Answer):
    authentication_classes = [Shy]


urlpatterns.append(path("nothing", ByNothing.as_view()))


def test_an_attempt_that_let_nobody_in_stays_counted(api, limits):
    limits(account_at_address="1/h")
    assert statuses(lambda _: api.get("/nothing", **basic("alice", "x")), 2) == [200, 429]


def test_the_start_of_a_block_is_said_once(api, alice, limits, caplog):
    limits(account_at_address="2/h")
    heard = []
    receiver = lambda **said: heard.append(said["block"])  # noqa: E731
    credentials_blocked.connect(receiver)
    with caplog.at_level(logging.WARNING, "api_guard.credentials"):
        statuses(lambda _: api.get("/password", **basic("Alice", "wrong")), 9)
    [block] = heard
    assert (block.kind, block.account, block.address, block.rate) == (
        "account_at_address",
        "user:alice",
        "127.0.0.1",
        "2/h",
    )
    assert 3590 < (block.until - block.since).total_seconds() <= 3600
    [line] = [r.getMessage() for r in caplog.records if r.name == "api_guard.credentials"]
    assert line.startswith(
        "Failed credentials: account_at_address of 2/h reached; account 'user:alice', address "
        "127.0.0.1, for "
    )
    assert "wrong" not in line


def test_a_receiver_that_fails_troubles_nobody(api, alice, limits, caplog):
    limits(account_at_address="1/h", token="1/h")

    def receiver(**said):
        raise RuntimeError("mail server")

    credentials_blocked.connect(receiver)
    assert api.get("/password", **basic("alice", "wrong")).status_code == 401
    assert "of credentials_blocked failed" in caplog.text


def listed(*arguments):
    out = StringIO()
    call_command("guard_blocks", *arguments, stdout=out)
    return out.getvalue()


def test_a_block_can_be_looked_at_and_lifted(api, alice, limits):
    assert listed() == "Nothing is blocked.\n"
    limits(account_at_address="1/h", token="1/h", account="9/h", address="9/h")
    assert statuses(lambda _: api.get("/password", **basic("alice", "wrong")), 2) == [401, 429]
    bad = {"HTTP_AUTHORIZATION": "Bearer bad"}
    assert statuses(lambda _: api.get("/token", **bad), 2) == [401, 429]
    head, first, second = listed().splitlines()
    assert head.split() == ["number", "kind", "account", "address", "rate", "since", "until"]
    assert first.split()[:5] == ["1", "account_at_address", "user:alice", "127.0.0.1", "1/h"]
    assert second.split()[:5] == ["2", "token", "-", "127.0.0.1", "1/h"]
    lifted = "Lifted 1: account_at_address, user:alice 127.0.0.1.\nLifted 2: token, 127.0.0.1.\n"
    assert listed("--lift", "1", "2") == lifted
    assert listed() == "Nothing is blocked.\n"
    assert api.get("/password", **basic("alice", PASSWORD)).status_code == 200
    assert api.get("/token", HTTP_AUTHORIZATION="Bearer other").status_code == 401
    with pytest.raises(CommandError, match="no block 1"):
        listed("--lift", "1")
    with pytest.raises(CommandError, match="numbers of the blocks"):
        listed("--lift")
    assert list(grants.differences()) == []
    records = LedgerRecord.objects.filter(event="lift_block").order_by("pk")
    assert ['"token"' in each.content for each in records] == [False, True]
    assert ledger.details([records[0].pk])[records[0].pk][0].key in ("", f"user:{alice.pk}")


def test_a_block_is_found_in_the_counts_and_lifted_by_name(api, alice, limits):
    limits(account_at_address="1/h", token="9/h", account="9/h", address="1/h")
    assert statuses(lambda _: api.get("/password", **basic("alice", "wrong")), 2) == [401, 429]
    for key in range(3):
        cache.delete(f"api_guard:block:{key}")  # as others do that came later
    assert listed() == "Nothing is blocked.\n"
    assert listed("--user", "alice") == "Nothing is blocked.\n"
    assert listed("--client", "alice", "--address", "127.0.0.2") == "Nothing is blocked.\n"
    found = listed("--user", "Alice", "--address", "127.0.0.1").splitlines()[1:]
    assert [line.split()[:2] for line in found] == [["-", "account_at_address"], ["-", "address"]]
    lifted = listed("--user", "alice", "--address", "127.0.0.1", "--lift", "--reason", "she called")
    assert lifted.splitlines() == [
        "Lifted: account_at_address, user:alice 127.0.0.1.",
        "Lifted: address, 127.0.0.1.",
    ]
    assert api.get("/password", **basic("alice", PASSWORD)).status_code == 200


def test_limits_can_be_switched_off(api, alice, settings):
    settings.API_GUARD = {**settings.API_GUARD, "FAILED_CREDENTIALS": False}
    found = statuses(lambda _: api.get("/password", **basic("alice", "wrong")), 12)
    found += statuses(lambda n: api.get("/token", HTTP_AUTHORIZATION=f"Bearer bad{n}"), 32)
    assert counts(found) == {401: 44}
    assert api.get("/password", **basic("alice", PASSWORD)).json() == "alice"
    data = {"username": "alice", "password": "wrong"}
    assert counts(statuses(lambda _: api.post("/obtain", data), 12)) == {400: 12}


def test_without_the_cache_what_can_be_guessed_is_503_and_a_good_token_is_let_in(
    api, alice, issue, count_on
):
    good = {"HTTP_AUTHORIZATION": f"Bearer {issue('notes:read', user=alice).token}"}
    count_on("tests.caches.PlainCache")
    with patch(
        "api_guard.limits.counters.ratelimit.get_usage", side_effect=ConnectionError("down")
    ):
        assert api.get("/password", **basic("alice", PASSWORD)).status_code == 503
        assert api.get("/token", HTTP_AUTHORIZATION="Bearer bad").status_code == 503
        page = api.post("/login/", {"username": "alice", "password": PASSWORD}, format="multipart")
        assert (page.status_code, page["Retry-After"]) == (503, "5")
        assert api.get("/token", **good).json() == "alice"


@pytest.mark.parametrize("fault", ["stopped", "hung"])
def test_a_real_redis_that_is_down_lets_nobody_guess_and_holds_nobody_up(
    api, alice, issue, settings, own_redis, count_on, fault
):
    good = {"HTTP_AUTHORIZATION": f"Bearer {issue('notes:read', user=alice).token}"}
    settings.API_GUARD = {**settings.API_GUARD, "COUNTER_TIMEOUT": TIMEOUT}
    count_on(REDIS, own_redis)
    assert api.get("/password", **basic("alice", PASSWORD)).status_code == 200
    own_redis.stop() if fault == "stopped" else own_redis.hang()
    found = statuses(lambda _: api.get("/password", **basic("alice", PASSWORD)), 3)
    found += statuses(lambda _: api.get("/token", HTTP_AUTHORIZATION="Bearer bad"), 3)
    assert found == [503] * 6
    assert api.get("/token", **good).json() == "alice"


def test_a_cache_that_fails_in_the_midst_of_it_turns_nobody_away(api, alice, count_on, caplog):
    count_on("tests.caches.PlainCache")
    with patch("api_guard.limits.counters.give_back", side_effect=CounterFault("down")):
        assert api.get("/password", **basic("alice", PASSWORD)).status_code == 200
    assert "is still counted as failed" in caplog.text
    # A known address is counted after the password was found wrong.
    whole = counters.take

    def take(counted, *, count=True):
        if count:
            raise CounterFault("down")
        return whole(counted, count=False)

    with patch("api_guard.limits.counters.take", take):
        assert api.get("/password", **basic("alice", "wrong")).status_code == 401
    assert "could not be counted" in caplog.text


def test_memory_of_addresses_and_blocks_may_fail(api, alice, count_on, caplog, limits):
    limits(account_at_address="1/h")
    count_on("tests.caches.PlainCache")
    with patch("tests.caches.PlainCache.get", side_effect=ConnectionError):
        assert known.addresses_of("user:alice") == ()
    with (
        patch("tests.caches.PlainCache.get", side_effect=ZeroDivisionError),
        pytest.raises(ZeroDivisionError),
    ):
        known.addresses_of("user:alice")
    with patch("tests.caches.PlainCache.set", side_effect=ConnectionError("down")):
        known.remember("user:alice", "127.0.0.1")
        assert api.get("/password", **basic("alice", "wrong")).status_code == 401
    assert "could not be remembered: down" in caplog.text
    assert "could not be stored for guard_blocks: down" in caplog.text
    with patch("tests.caches.PlainCache.set", side_effect=ZeroDivisionError):
        with pytest.raises(ZeroDivisionError):
            known.remember("user:alice", "127.0.0.1")
        with pytest.raises(ZeroDivisionError):
            api.get("/password", **basic("bob", "wrong"))
    with (
        patch("tests.caches.PlainCache.get", side_effect=ConnectionError("down")),
        pytest.raises(CommandError, match="does not answer: down"),
    ):
        listed()
    with (
        patch("tests.caches.PlainCache.get", side_effect=ZeroDivisionError),
        pytest.raises(ZeroDivisionError),
    ):
        listed()


def test_what_a_process_remembers_is_bounded(api, limits):
    limits(token="1/h")
    with patch("api_guard.limits.credentials.strangers._MOST", 2):
        found = statuses(lambda n: api.get("/token", HTTP_AUTHORIZATION=f"Bearer bad{n}"), 9)
    assert found == [401] + [429] * 8
    assert len(credentials.strangers._bad) <= 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("backend", [LOCAL, REDIS])
def test_guesses_side_by_side_pass_no_limit(alice, request, count_on, backend):
    count_on(backend, request.getfixturevalue("shared_redis") if backend == REDIS else None)
    verified = []

    def verify(self, request, username=None, password=None, **_):
        verified.append(password)

    def guess(number):
        request = RequestFactory().get("/")
        credentials.mark_gated(request)
        try:
            return authenticate(request, username="alice", password=str(number))
        except TooManyFailures:
            return None
        finally:
            connections.close_all()

    with (
        patch("django.contrib.auth.backends.ModelBackend.authenticate", verify),
        ThreadPoolExecutor(16) as pool,
    ):
        assert list(pool.map(guess, range(100))) == [None] * 100
    assert len(verified) == 10


def test_permission_denied_of_another_backend_counts_as_a_failure(alice, limits, settings, rf):
    limits(account_at_address="2/h")
    settings.AUTHENTICATION_BACKENDS = ["api_guard.backends.LoginLimit", f"{__name__}.Denying"]
    Denying.asked = 0
    for _ in range(4):
        assert authenticate(rf.get("/"), username="alice", password=PASSWORD) is None
    assert Denying.asked == 2


class Denying:
    """As django-axes refuses."""

    asked = 0

    def authenticate(self, request, username=None, password=None):
        Denying.asked += 1
        raise PermissionDenied


@pytest.mark.parametrize(
    ("password", "is_known", "trips"),
    [(PASSWORD, False, 4), (PASSWORD, True, 2), ("wrong", False, 2), ("wrong", True, 3)],
)
def test_what_a_password_costs_on_redis(
    api, alice, count_on, shared_redis, password, is_known, trips
):
    count_on(REDIS, shared_redis)
    if is_known:
        known.remember("user:alice", "127.0.0.1")
    counters.take([counters_of_nobody()])  # loads the script
    pool = _held().counters._client.connection_pool
    pool.release(held := pool.get_connection())
    whole = type(held).send_packed_command
    with patch.object(type(held), "send_packed_command", autospec=True, side_effect=whole) as sent:
        api.get("/password", **basic("alice", password))
    assert sent.call_count == trips


def counters_of_nobody():
    return Counter("test:nobody", Rate(1, 60))
