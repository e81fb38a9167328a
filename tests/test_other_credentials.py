"""What the callers of other authenticators hold: Session, Basic, Token, simplejwt."""

from __future__ import annotations

import base64

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError
from django.urls import path
from rest_framework.authentication import (
    BaseAuthentication,
    BasicAuthentication,
    SessionAuthentication,
    TokenAuthentication,
)
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import NotAcceptable
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import SIGNED_IN, grants, guard
from api_guard.access import callers
from api_guard.authentication import OAuth2Authentication
from api_guard.checks import check_authentication
from api_guard.exceptions import GuardUnavailable

jwt_authentication = pytest.importorskip("rest_framework_simplejwt.authentication")
jwt_tokens = pytest.importorskip("rest_framework_simplejwt.tokens")

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

JWT = "rest_framework_simplejwt.authentication.JWTAuthentication"


class ScopedJWT(jwt_authentication.JWTAuthentication):
    """A JWT that says what it carries, and to which client it was issued."""

    def token_scopes(self, auth):
        return auth.get("scope", "").split()

    def token_client(self, auth):
        return auth.get("client")


class Show(APIView):
    def get(self, request):
        return Response(sorted(callers.caller_of(request).scopes))


class Key:
    """An authenticator that is no more than DRF asks for."""

    def authenticate(self, request):
        return None


BASIC = "Basic " + base64.b64encode(b"alice:opaque").decode()


class Opaque(BaseAuthentication):
    """Reads bearer tokens and has no challenge, as that of allauth for its access tokens."""

    def authenticate(self, request):
        is_right = request.headers.get("Authorization") in ("Bearer opaque", BASIC)
        return (get_user_model().objects.get(username="alice"), None) if is_right else None


class Demanding(Opaque):
    def authenticate(self, request):
        found = super().authenticate(request)
        if found is None:
            raise NotAcceptable
        return found


class Failing(Opaque):
    """Finds the token once, and then its database is down."""

    asked = 0
    error: Exception = OperationalError("gone")

    def authenticate(self, request):
        Failing.asked += 1
        if Failing.asked > 1:
            raise Failing.error
        return super().authenticate(request)


class ByKey(BaseAuthentication):
    def authenticate(self, request):
        is_right = request.headers.get("X-Key") == "opaque"
        return (get_user_model().objects.get(username="alice"), None) if is_right else None


def routed(name, *classes):
    view = type(name, (Show,), {"authentication_classes": classes})
    requirements = {"read": "notes:read"} if name != "standing" else {"read": SIGNED_IN}
    return path(name, guard(**requirements)(view).as_view())


urlpatterns = [
    routed("session", SessionAuthentication),
    routed("basic", BasicAuthentication),
    routed("token", TokenAuthentication),
    routed("jwt", jwt_authentication.JWTAuthentication),
    routed("scoped", ScopedJWT),
    routed("beside", OAuth2Authentication, ScopedJWT, SessionAuthentication),
    routed("standing", ScopedJWT, SessionAuthentication),
    routed("key", SessionAuthentication, Key, BasicAuthentication),
    routed("opaque", SessionAuthentication, Opaque, ScopedJWT),
    routed("opaque-last", ByKey, ScopedJWT, Opaque),
    routed("failing", Failing, ScopedJWT),
    routed("demanding", Demanding, ScopedJWT),
    routed("opaque-basic", Opaque, BasicAuthentication),
]


@pytest.fixture(autouse=True)
def granted(alice, application, give):
    give(alice, "notes:read", "notes:write")
    give(application, "notes:read")


def call(api, url, header=None):
    answer = api.get(f"/{url}", **({"HTTP_AUTHORIZATION": header} if header else {}))
    return answer.status_code, answer.json()


def bearer(user, **claims):
    token = jwt_tokens.AccessToken.for_user(user)
    for name, value in claims.items():
        token[name] = value
    return f"Bearer {token}"


ALL = (200, ["notes:read", "notes:write"])


def test_a_session_a_password_and_a_token_of_drf_stand_for_their_user(api, alice):
    password = "Basic " + base64.b64encode(b"alice:wonderland").decode()
    assert call(api, "basic", password) == ALL
    assert call(api, "token", f"Token {Token.objects.create(user=alice).key}") == ALL
    assert call(api.by_session(alice), "session") == ALL
    grants.revoke_all(alice, by=grants.System("a test"))
    assert call(api, "session")[0] == 403


def test_a_jwt_that_says_no_scopes_holds_none(api, alice):
    status, body = call(api, "jwt", bearer(alice))
    assert (status, body["code"]) == (403, "insufficient_scope")
    assert any(JWT in message.msg for message in check_authentication())


def test_a_jwt_stands_for_its_user_where_the_project_says_so(api, alice, settings):
    settings.API_GUARD = {**settings.API_GUARD, "UNSCOPED_AUTHENTICATION": [JWT]}
    assert call(api, "jwt", bearer(alice)) == ALL


def test_a_jwt_that_says_scopes_holds_what_both_sides_were_granted(api, alice, application):
    own = {"client": application.pk}
    header = bearer(alice, scope="notes:read notes:write", **own)
    assert call(api, "scoped", header) == (200, ["notes:read"])
    assert call(api, "scoped", bearer(alice, scope="", **own))[0] == 403
    assert call(api, "scoped", bearer(alice, scope="notes:read"))[0] == 403
    assert call(api, "standing", header)[1]["code"] == "first_party_only"
    grants.revoke_all(application, by=grants.System("a test"))
    assert call(api, "scoped", header)[0] == 403


def test_bearer_tokens_of_two_kinds_are_refused_when_both_refuse(api, alice, application, issue):
    header = bearer(alice, scope="notes:read", client=application.pk)
    assert call(api, "beside", header) == (200, ["notes:read"])
    local = f"Bearer {issue('notes:read', user=alice).token}"
    assert call(api, "beside", local) == (200, ["notes:read"])
    status, body = call(api, "beside", "Bearer neither")
    assert (status, body["code"]) == (401, "invalid_token")
    api.by_session(alice)
    assert call(api, "beside", "Bearer neither")[0] == 401
    assert call(api, "beside") == ALL


UNSCOPED = [
    "rest_framework.authentication.SessionAuthentication",
    f"{__name__}.Opaque",
    f"{__name__}.ByKey",
]


@pytest.mark.parametrize("url", ["opaque", "opaque-last"])
def test_a_token_that_one_without_a_challenge_accepts_is_no_bad_credential(
    api, alice, settings, url
):
    limits = {"FAILED_CREDENTIALS": {"token": "2/h"}}
    settings.API_GUARD = {**settings.API_GUARD, "UNSCOPED_AUTHENTICATION": UNSCOPED, **limits}
    for _ in range(4):
        assert call(api, url, "Bearer opaque") == ALL
    assert call(api, url, "Bearer neither")[0] == 401
    api.by_session(alice)
    api.credentials(HTTP_X_KEY="opaque")
    assert call(api, url) == call(api, url, "Bearer opaque") == ALL
    # Whoever is known without the header too has a bad credential beside a good one.
    assert call(api, url, "Bearer not that")[0] == 401


def test_a_password_that_one_without_a_challenge_accepts_is_no_guess(api, settings):
    limits = {"FAILED_CREDENTIALS": {"account_at_address": "2/h"}}
    settings.API_GUARD = {**settings.API_GUARD, "UNSCOPED_AUTHENTICATION": UNSCOPED, **limits}
    for _ in range(4):
        assert call(api, "opaque-basic", BASIC) == ALL


@pytest.mark.parametrize("error", [OperationalError("gone"), GuardUnavailable()], ids=repr)
def test_a_token_that_could_not_be_asked_about_again_is_unavailable_and_no_guess(
    api, settings, monkeypatch, error
):
    limits = {"FAILED_CREDENTIALS": {"token": "1/h"}}
    settings.API_GUARD = {**settings.API_GUARD, "UNSCOPED_AUTHENTICATION": UNSCOPED, **limits}
    monkeypatch.setattr(Failing, "error", error)
    for _ in range(3):
        monkeypatch.setattr(Failing, "asked", 0)
        assert call(api, "failing", "Bearer opaque")[0] == 503


def test_where_it_cannot_be_told_whose_the_token_is_it_is_refused(api):
    assert call(api, "demanding", "Bearer opaque")[0] == 401


def test_a_stale_session_is_no_bad_credential(api, alice):
    api.cookies["sessionid"] = "long gone"
    assert call(api, "session")[1]["code"] == "not_authenticated"
    header = bearer(alice)
    assert call(api, "jwt", header)[1]["code"] == "insufficient_scope"


@pytest.mark.parametrize("url", ["basic", "token", "jwt", "scoped"])
def test_a_bad_credential_is_401_in_its_own_scheme(api, url):
    scheme = {"basic": "Basic", "token": "Token"}.get(url, "Bearer")
    for text in ("bad", "Zm9vOmJhcg==", "é"):
        answer = api.get(f"/{url}", HTTP_AUTHORIZATION=f"{scheme} {text}")
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].startswith(scheme)


def test_an_inactive_user_s_credential_of_any_kind_is_refused(api, alice):
    password = "Basic " + base64.b64encode(b"alice:wonderland").decode()
    headers = {
        "basic": password,
        "token": f"Token {Token.objects.create(user=alice).key}",
        "jwt": bearer(alice),
    }
    api.by_session(alice)
    type(alice).objects.update(is_active=False)
    for url, header in headers.items():
        assert call(api, url, header)[0] == 401
    assert call(api, "session")[1]["code"] == "not_authenticated"


def test_an_authenticator_needs_no_more_than_drf_asks_of_it(api):
    # DRF asks the first one, and no other, for its challenge.
    for header in ({}, {"HTTP_AUTHORIZATION": "Key x"}):
        answer = api.get("/key", **header)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (
            401,
            'Basic realm="api"',
        )


def test_a_forced_user_beside_an_authorization_header_is_the_caller(api, alice):
    api.force_authenticate(alice)
    answer = api.get("/session", HTTP_AUTHORIZATION="Bearer something")
    assert (answer.status_code, answer.json()) == (200, ["notes:read", "notes:write"])
