"""Run by tests/test_swapped.py in a process of its own: models are swapped for good."""

import base64
import hashlib
import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.contrib import admin
from django.urls import include, path
from rest_framework.decorators import api_view
from rest_framework.response import Response

from api_guard import SIGNED_IN, grants, guard, tokens
from tests.swapped.models import AccessToken, Application, RefreshToken, User

pytestmark = pytest.mark.django_db

VERIFIER = "v" * 43
DIGEST = hashlib.sha256(VERIFIER.encode()).digest()
BACK = "https://client.example/back"


@guard(read=("notes:read", SIGNED_IN), throttle="1000/m")
@api_view(["GET"])
def notes(request):
    return Response(str(request.user.pk))


urlpatterns = [
    path("notes", notes),
    path("o/", include("api_guard.oauth2.urls")),
    path("admin/", admin.site.urls),
]


@pytest.fixture
def alice():
    return User.objects.create_user("alice", password="wonderland")


@pytest.fixture
def app():
    return Application.objects.create(
        client_id="web",
        client_type="public",
        authorization_grant_type="authorization-code",
        redirect_uris=BACK,
    )


@pytest.fixture
def pair(client, alice, app):
    """Tokens of a whole sign-in, and the grants behind them."""
    for grantee in (alice, app):
        for scope in ("notes:read", "notes:write"):
            grants.grant(scope, grantee, by=grants.System("a test"))
    client.force_login(alice)
    query = {
        "response_type": "code",
        "client_id": "web",
        "redirect_uri": BACK,
        "scope": "notes:read notes:write",
        "code_challenge": base64.urlsafe_b64encode(DIGEST).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    page = client.get("/o/authorize/", query).content.decode()
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    back = client.post("/o/authorize/", {**hidden, "allow": "Authorize"})["Location"]
    [code] = parse_qs(urlsplit(back).query)["code"]
    client.logout()
    return token(
        client,
        "authorization_code",
        code=code,
        redirect_uri=BACK,
        code_verifier=VERIFIER,
    )


def token(client, grant_type, **data):
    data |= {"grant_type": grant_type, "client_id": "web"}
    form = "application/x-www-form-urlencoded"
    return client.post("/o/token/", urlencode(data), content_type=form).json()


def call(client, pair):
    bearer = f"Bearer {pair['access_token']}"
    return client.get("/notes", HTTP_AUTHORIZATION=bearer).status_code


def test_a_token_is_used_refreshed_narrowed_and_revoked(client, pair, alice, app):
    assert call(client, pair) == 200
    grants.revoke(grants.held(alice).get(scope="notes:write"), by=grants.System("a test"))
    second = token(client, "refresh_token", refresh_token=pair["refresh_token"])
    assert second["scope"] == "notes:read"
    grants.grant("notes:write", alice, by=grants.System("a test"))
    third = token(client, "refresh_token", refresh_token=second["refresh_token"])
    assert third["scope"] == "notes:read notes:write"
    assert (call(client, second), call(client, third)) == (401, 200)
    grants.revoke_all(app, by=grants.System("a test"))
    assert call(client, third) == 403
    assert tokens.revoke_tokens(alice) == 2
    assert call(client, third) == 401
    assert not RefreshToken.objects.filter(revoked=None).exists()


def test_a_disabled_client_and_a_token_bound_to_a_key_are_refused(client, pair, app):
    AccessToken.objects.update(cnf={"jkt": "x"})
    assert call(client, pair) == 401
    AccessToken.objects.update(cnf=None)
    assert call(client, pair) == 200
    Application.objects.update(is_enabled=False)
    assert call(client, pair) == 401
    refused = token(client, "refresh_token", refresh_token=pair["refresh_token"])
    assert "error" in refused


def test_the_admin_grants_and_ends(client, alice, app):
    client.force_login(User.objects.create_superuser("root", password="root"))
    form = {
        "user": alice.pk,
        "group": "",
        "client": "",
        "scopes": "notes:read",
        "reason": "",
        "expires_at_0": "",
        "expires_at_1": "",
    }
    assert client.post("/admin/api_guard/scopegrant/add/", form).status_code == 302
    assert grants.held(alice).count() == 1
    form = {"user": alice.pk, "client": "", "revoke_grants": "on", "reason": ""}
    assert client.post("/admin/api_guard/scopegrant/end-access/", form).status_code == 302
    assert grants.held(alice).count() == 0


def test_a_new_password_ends_every_token(client, pair, alice):
    alice.set_password("looking glass")
    alice.save()
    assert call(client, pair) == 401
