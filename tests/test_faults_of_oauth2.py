"""Whichever query of the authorization server fails, the answer is 503, and nothing is issued."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.urls import include, path
from oauth2_provider.models import (
    AccessToken,
    DeviceGrant,
    RefreshToken,
)

from api_guard import grants
from tests.authorization import BACK, CHALLENGE, FORM, VERIFIER, consent, login
from tests.authorization import granted as granted
from tests.authorization import web_app as web_app
from tests.authorization import with_devices as with_devices

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db(transaction=True)]

ASKED = {
    "response_type": "code",
    "client_id": "web",
    "redirect_uri": BACK,
    "state": "s",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


urlpatterns = [path("o/", include("api_guard.oauth2.urls"))]


class Fails:
    """Let the first `spared` statements through, and no other."""

    def __init__(self, spared):
        self.left = spared
        self.failed = 0

    def __call__(self, execute, sql, params, many, context):
        # What ends a transaction that failed is no statement of the request.
        if "SAVEPOINT" in sql:
            return execute(sql, params, many, context)
        self.left -= 1
        if self.left < 0:
            self.failed += 1
            raise OperationalError("the database is down")
        return execute(sql, params, many, context)


@pytest.fixture
def code(client, alice, web_app, granted):
    client.force_login(alice, "django.contrib.auth.backends.ModelBackend")
    page = client.get("/o/authorize/", {**ASKED, "scope": "notes:read"})
    return consent(client, page)["code"]


def ask(name, **data):
    headers = {} if name == "device-authorization" else {"HTTP_AUTHORIZATION": login()}
    web = Client(raise_request_exception=False)
    return web.post(f"/o/{name}/", urlencode(data), content_type=FORM, **headers)


def issued():
    live = RefreshToken.objects.filter(revoked__isnull=True)
    return AccessToken.objects.count(), live.count(), DeviceGrant.objects.count()


def never_while_it_is_down(name, **data):
    """Send a request with its first, its second, ... query failing, and at last with none."""
    before = issued()
    for spared in range(100):
        fails = Fails(spared)
        with connection.execute_wrapper(fails):
            answer = ask(name, **data)
        if not fails.failed:
            assert spared > 1
            return answer
        assert answer.status_code == 503, spared
        assert issued() == before, spared
        assert answer.json() == {"error": "temporarily_unavailable"}
    raise AssertionError("it asks the database without end")


def test_a_code_outlives_the_fault(code):
    answer = never_while_it_is_down(
        "token",
        grant_type="authorization_code",
        code=code,
        redirect_uri=BACK,
        code_verifier=VERIFIER,
    )
    assert answer.status_code == 200
    assert issued() == (1, 1, 0)


@pytest.fixture
def pair(code):
    data = {"code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
    return ask("token", grant_type="authorization_code", **data).json()


def test_a_refresh_token_outlives_the_fault(pair):
    data = {"grant_type": "refresh_token", "refresh_token": pair["refresh_token"]}
    answer = never_while_it_is_down("token", **data)
    assert answer.json()["refresh_token"] != pair["refresh_token"]
    assert issued() == (1, 1, 0)


def test_a_code_that_comes_twice_is_refused_once_its_tokens_are_revoked(code, pair):
    data = {"code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
    answer = never_while_it_is_down("token", grant_type="authorization_code", **data)
    assert answer.json() == {"error": "invalid_grant"}
    assert issued() == (0, 0, 0)


def test_a_token_is_not_said_to_be_revoked_before_it_is(pair):
    answer = never_while_it_is_down("revoke_token", token=pair["refresh_token"])
    assert answer.status_code == 200
    assert issued() == (0, 0, 0)


def test_a_token_is_not_said_to_be_inactive_where_nobody_knows(pair, web_app, settings):
    scopes = {**settings.API_GUARD["SCOPES"], "introspection": "Ask what a token opens"}
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": scopes}
    grants.grant("introspection", web_app, by=grants.System("a test"))
    answer = never_while_it_is_down("introspect", token=pair["access_token"])
    assert answer.json()["active"] is True


def test_a_device_is_told_to_come_again(web_app, granted, with_devices):
    web_app.authorization_grant_type = "urn:ietf:params:oauth:grant-type:device_code"
    web_app.client_type = "public"
    web_app.save()
    answer = never_while_it_is_down("device-authorization", client_id="web", scope="notes:read")
    assert answer.status_code == 200
    assert issued() == (0, 0, 1)
