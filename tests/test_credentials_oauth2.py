"""Failed credentials at the authorization server: secrets, codes, tokens and passwords."""

from __future__ import annotations

import asyncio
import base64
import json
from unittest.mock import patch

import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.urls import include, path
from oauth2_provider.models import Application, DeviceGrant
from oauth2_provider.oauth2_backends import JSONOAuthLibCore
from oauth2_provider.oauth2_validators import OAuth2Validator

from api_guard import grants
from api_guard.exceptions import GuardUnavailable
from api_guard.oauth2.introspection import IntrospectTokenView
from api_guard.oauth2.limits import limit_secrets, limit_user_codes
from tests.authorization import with_devices as with_devices

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

SECRET = "secret"
FAR = {"REMOTE_ADDR": "203.0.113.7"}
urlpatterns = [path("o/", include("api_guard.oauth2.urls"))]


@pytest.fixture
def app(db):
    app = Application.objects.create(
        client_id="web",
        client_secret=SECRET,
        client_type="confidential",
        authorization_grant_type="client-credentials",
    )
    grants.grant("notes:read", app, by=grants.System("a test"))
    return app


@pytest.fixture
def verified():
    """Count the secrets of clients that are verified."""
    whole = OAuth2Validator._check_secret
    spy = patch.object(OAuth2Validator, "_check_secret", autospec=True, side_effect=whole)
    with spy as calls:
        yield calls


@pytest.fixture
def limits(settings):
    def limits(**said):
        settings.API_GUARD = {**settings.API_GUARD, "FAILED_CREDENTIALS": said}

    return limits


def basic(client_id="web", secret=SECRET):
    encoded = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    return {"HTTP_AUTHORIZATION": f"Basic {encoded}"}


ENDPOINTS = {
    "token": ("/o/token/", {"grant_type": "client_credentials"}),
    "introspect": ("/o/introspect/", {"token": "x"}),
    "revoke": ("/o/revoke_token/", {"token": "x"}),
}


def counts(answers):
    found = [answer.status_code for answer in answers]
    return {status: found.count(status) for status in sorted(set(found))}


@pytest.mark.parametrize("name", ENDPOINTS)
def test_of_two_hundred_secrets_of_one_client_ten_are_verified(client, app, verified, name):
    url, data = ENDPOINTS[name]
    answers = [client.post(url, data, **basic(secret=f"wrong{n}")) for n in range(200)]
    assert counts(answers) == {401: 10, 429: 190}
    assert verified.call_count == 10
    refused = client.post(url, data, **basic())
    assert refused.json() == {
        "error": "too_many_failures",
        "error_description": "Too many failed attempts.",
    }
    assert (refused.status_code, int(refused["Retry-After"]) >= 1) == (429, True)
    assert verified.call_count == 10
    # The client itself, which came from elsewhere, is served.
    assert client.post(url, data, **FAR, **basic()).status_code in (200, 403)


def test_a_client_that_was_served_is_known_by_its_address(client, app, verified):
    url, data = ENDPOINTS["token"]
    assert client.post(url, data, **FAR, **basic()).status_code == 200
    for number in range(60):
        client.post(url, data, REMOTE_ADDR=f"198.51.100.{number}", **basic(secret="wrong"))
    assert verified.call_count == 1 + 30
    assert client.post(url, data, REMOTE_ADDR="192.0.2.1", **basic()).status_code == 429
    assert [client.post(url, data, **FAR, **basic()).status_code for _ in range(50)] == [200] * 50


def test_clients_stuffed_from_one_address_are_limited(client, app, verified):
    url, data = ENDPOINTS["token"]
    answers = [client.post(url, data, **basic(f"client{n}", "wrong")) for n in range(200)]
    assert counts(answers) == {401: 100, 429: 100}
    assert client.post(url, data, **FAR, **basic()).status_code == 200


@pytest.mark.filterwarnings("ignore:JSONOAuthLibCore:DeprecationWarning")
@pytest.mark.parametrize(
    ("where", "query"),
    [
        ("body", ""),
        ("json", ""),
        ("introspect query", "?client_id=web&client_secret=wrong"),
        ("encoded", ""),
    ],
)
def test_a_secret_is_counted_wherever_it_stands(
    client, app, limits, verified, monkeypatch, where, query
):
    limits(account_at_address="2/h")
    url, data = ENDPOINTS["introspect" if query or where == "json" else "token"]
    extra, kind = {}, {}
    if where == "body":
        data = {**data, "client_id": "web", "client_secret": "wrong"}
    elif where == "json":
        core = JSONOAuthLibCore(IntrospectTokenView.get_server())
        monkeypatch.setattr(IntrospectTokenView, "_oauthlib_core", core, raising=False)
        data = json.dumps({**data, "client_id": "web", "client_secret": "wrong"})
        kind = {"content_type": "application/json"}
    elif where == "encoded":
        extra = basic("%77eb", "wrong")
    for _ in range(4):
        last = client.post(url + query, data, **kind, **extra)
    assert last.status_code == 429
    assert verified.call_count <= 2
    assert client.post(*ENDPOINTS["token"], **basic()).status_code == 429


@pytest.mark.parametrize("endpoint", ["token", "introspect", "revoke_token"])
@pytest.mark.parametrize("scheme", ["Basic", "bAsIc"])
def test_two_secrets_in_one_request_are_refused_before_either_is_verified(
    client, app, limits, verified, endpoint, scheme
):
    """RFC 6749 §2.3: no more than one method of authentication."""
    limits(account_at_address="4/h")
    both = {"grant_type": "client_credentials", "client_id": "web", "client_secret": SECRET}
    header = basic()["HTTP_AUTHORIZATION"].replace("Basic", scheme)
    for _ in range(9):
        last = client.post(f"/o/{endpoint}/", both, HTTP_AUTHORIZATION=header)
        assert (last.status_code, last.json()["error"]) == (400, "invalid_request")
    assert verified.call_count == 0


def test_what_is_refused_before_the_secret_is_looked_at_counts_for_nothing(client, app, limits):
    limits(account_at_address="2/h")
    for _ in range(5):
        assert client.post("/o/token/", {"grant_type": "none"}, **basic()).status_code == 400
    assert client.post(*ENDPOINTS["token"], **basic()).status_code == 200


def test_bad_codes_are_counted_by_address_and_a_good_client_is_served(client, app, limits):
    limits(token="3/h")
    app.authorization_grant_type = "authorization-code"
    app.save()

    def redeem(code):
        data = {"grant_type": "authorization_code", "code": code, "redirect_uri": "https://x/"}
        return client.post("/o/token/", data, **basic()).status_code

    assert [redeem(f"bad{n}") for n in range(5)] == [400, 400, 400, 429, 429]
    app.authorization_grant_type = "client-credentials"
    app.save()
    assert client.post(*ENDPOINTS["token"], **basic()).status_code == 200


def test_bad_tokens_that_introspect_are_counted_by_address(client, app, limits):
    limits(token="2/h")
    found = [
        client.post("/o/introspect/", {"token": "x"}, HTTP_AUTHORIZATION=f"Bearer bad{n}")
        for n in range(3)
    ]
    assert counts(found) == {401: 2, 429: 1}


@pytest.mark.filterwarnings("ignore:The OAuth 2.0 resource owner:DeprecationWarning")
def test_passwords_at_the_token_endpoint_are_limited(client, alice, app, limits):
    app.authorization_grant_type = "password"
    app.save()
    grants.grant("notes:read", alice, by=grants.System("a test"))

    def ask(password, **extra):
        data = {"grant_type": "password", "username": "alice", "password": password}
        return client.post("/o/token/", data, **basic(), **extra)

    model = type(alice)
    whole = model.check_password
    with patch.object(model, "check_password", autospec=True, side_effect=whole) as checked:
        answers = [ask(f"wrong{n}") for n in range(20)]
    assert counts(answers) == {400: 10, 429: 10}
    assert checked.call_count == 10
    assert ask("wonderland").json()["error"] == "too_many_failures"
    assert [ask("wonderland", **FAR).status_code for _ in range(15)] == [200] * 15
    # A secret that is wrong says nothing of the password, which was not looked at.
    data = {"grant_type": "password", "username": "alice", "password": "wonderland"}
    wrong = client.post("/o/token/", data, REMOTE_ADDR="192.0.2.1", **basic(secret="wrong"))
    assert wrong.status_code == 401


@pytest.mark.usefixtures("with_devices")
def test_secrets_at_the_device_endpoint_are_limited(client, app, limits, verified):
    limits(account_at_address="2/h")
    app.authorization_grant_type = "urn:ietf:params:oauth:grant-type:device_code"
    app.save()

    def ask(secret, **extra):
        data = f"client_id=web&client_secret={secret}"
        form = "application/x-www-form-urlencoded"
        return client.post("/o/device-authorization/", data, form, **extra).status_code

    found = [ask(f"wrong{n}") for n in range(4)]
    assert (found, ask(SECRET), verified.call_count) == ([401, 401, 429, 429], 429, 2)
    assert ask(SECRET, **FAR) == 200


def test_codes_that_a_user_enters_for_a_device_are_limited(client, alice, app, limits, settings):
    limits(account_at_address="3/h")
    DeviceGrant.objects.create(
        user_code="GOOD",
        device_code="d",
        client_id="web",
        expires="2999-01-01T00:00Z",
        status=DeviceGrant.AUTHORIZATION_PENDING,
    )
    assert client.post("/o/device/", {"user_code": "X"}).status_code == 302  # to the login
    client.force_login(alice)
    enter = lambda code: client.post("/o/device/", {"user_code": code}).status_code  # noqa: E731
    assert [enter("GOOD") for _ in range(5)] == [302] * 5
    assert [enter(f"BAD{n}") for n in range(4)] == [200, 200, 200, 429]
    assert enter("GOOD") == 429
    assert client.get("/o/device/").status_code == 200
    settings.API_GUARD = {**settings.API_GUARD, "FAILED_CREDENTIALS": False}
    assert enter("GOOD") == 302


def test_without_the_cache_no_secret_is_verified(client, app, verified, count_on):
    count_on("tests.caches.PlainCache")
    with patch(
        "api_guard.limits.counters.ratelimit.get_usage", side_effect=ConnectionError("down")
    ):
        answer = client.post(*ENDPOINTS["token"], **basic())
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer.json()["error"] == "guard_unavailable"
    assert verified.call_count == 0


@pytest.mark.parametrize("error", [ZeroDivisionError, OperationalError, GuardUnavailable])
@pytest.mark.parametrize("name", ENDPOINTS)
def test_a_secret_that_could_not_be_verified_counts_for_nothing(client, app, limits, name, error):
    limits(account_at_address="2/h")
    client.raise_request_exception = False
    with patch.object(OAuth2Validator, "_check_secret", side_effect=error):
        found = [client.post(*ENDPOINTS[name], **basic()) for _ in range(9)]
    assert {answer.status_code for answer in found} == {500 if error is ZeroDivisionError else 503}
    assert client.post(*ENDPOINTS[name], **basic()).status_code in (200, 403)


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_an_attempt_in_a_worker_that_is_ended_counts_for_nothing(rf, alice, limits, error):
    limits(account_at_address="2/h")

    def ended(request):
        raise error

    for limited in (limit_secrets, limit_user_codes):
        for _ in range(9):
            request = rf.post("/", {"client_id": "web", "client_secret": "right"})
            request.user = alice
            with pytest.raises(error):
                limited(ended)(request)


@pytest.mark.parametrize("limited", [limit_secrets, limit_user_codes])
def test_whoever_hangs_up_has_guessed_all_the_same(rf, alice, limits, limited):
    limits(account_at_address="2/h")

    def hung_up(request):
        raise asyncio.CancelledError

    def guess():
        request = rf.post("/", {"client_id": "web", "client_secret": "right"})
        request.user = alice
        return limited(hung_up)(request)

    for _ in range(2):
        with pytest.raises(asyncio.CancelledError):
            guess()
    assert guess().status_code == 429


@pytest.mark.parametrize("status", [500, 502, 503])
def test_whoever_makes_it_a_5xx_counts_for_nothing(rf, limits, status):
    limits(account_at_address="2/h")
    view = limit_secrets(lambda request: HttpResponse(status=status))
    data = {"client_id": "web", "client_secret": "guess"}
    assert [view(rf.post("/", data)).status_code for _ in range(9)] == [status] * 9


@pytest.mark.filterwarnings("ignore:The OAuth 2.0 resource owner:DeprecationWarning")
def test_a_password_that_could_not_be_verified_at_the_token_endpoint_counts_for_nothing(
    client, alice, app, limits
):
    limits(account_at_address="2/h")
    app.authorization_grant_type = "password"
    app.save()
    grants.grant("notes:read", alice, by=grants.System("a test"))
    data = {"grant_type": "password", "username": "alice", "password": "wonderland"}
    with patch.object(type(alice), "check_password", side_effect=OperationalError):
        found = [client.post("/o/token/", data, **basic()).status_code for _ in range(9)]
    assert found == [503] * 9
    assert client.post("/o/token/", data, **basic()).status_code == 200


@pytest.mark.parametrize("error", [ZeroDivisionError, OperationalError, None])
def test_a_device_code_that_could_not_be_looked_up_counts_for_nothing(rf, alice, limits, error):
    limits(account_at_address="2/h")

    def look_up(request):
        if error is not None:
            raise error
        return HttpResponse(status=503)

    def enter(view):
        request = rf.post("/", {"user_code": "X"})
        request.user = alice
        try:
            return limit_user_codes(view)(request).status_code
        except (ZeroDivisionError, OperationalError):
            return 500

    assert set(map(enter, [look_up] * 9)) <= {500, 503}
    assert enter(lambda request: HttpResponse(status=302)) == 302
    bad = [lambda request: HttpResponse(status=200)] * 3
    assert list(map(enter, bad)) == [200, 200, 429]
