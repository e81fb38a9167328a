"""An authorization server with a client, and what a browser and a client do there."""

from __future__ import annotations

import base64
import hashlib
import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from oauth2_provider.models import (
    AccessToken,
    Application,
    RefreshToken,
)

from api_guard import grants
from tests.deployment import DEPLOYED
from tests.keys import rsa_key

SECRET = "secret"
VERIFIER = "v" * 43
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
)
BACK = "https://client.example/back"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def deployed(settings):
    settings.OAUTH2_PROVIDER = {**settings.OAUTH2_PROVIDER, **DEPLOYED}


@pytest.fixture
def discouraged(settings, in_both_settings):
    """Grants that RFC 9700 discourages."""
    settings.OAUTH2_PROVIDER = {
        **settings.OAUTH2_PROVIDER,
        "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": False,
        "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": False,
    }


@pytest.fixture(params=["as it comes", "as --deploy asks"], autouse=True)
def in_both_settings(request):
    """Every test of a module that imports this runs in both."""
    if request.param == "as --deploy asks":
        request.getfixturevalue("deployed")
    return request.param


@pytest.fixture
def web_app(db):
    return Application.objects.create(
        name="Web",
        client_id="web",
        client_secret=SECRET,
        client_type="confidential",
        authorization_grant_type="authorization-code",
        redirect_uris=BACK,
        algorithm="RS256",
    )


@pytest.fixture
def granted(alice, web_app):
    """alice and the client hold both scopes; each grant by its grantee and scope."""
    return {
        (kind, scope): grants.grant(scope, grantee, by=grants.System("a test"))
        for kind, grantee in (("user", alice), ("client", web_app))
        for scope in ("notes:read", "notes:write")
    }


def login(name="web", secret=SECRET):
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


def ask(client, scope="notes:read notes:write", **extra):
    query = {
        "response_type": "code",
        "client_id": "web",
        "redirect_uri": BACK,
        "scope": scope,
        "state": "s",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **extra,
    }
    return client.get("/o/authorize/", query)


def hidden_of(page):
    fields = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.content.decode())
    return {name: unescape(value) for name, value in fields if name != "csrfmiddlewaretoken"}


def consent(client, page):
    back = client.post("/o/authorize/", {**hidden_of(page), "allow": "Authorize"})
    assert back.status_code == 302, back.content
    return {name: values[0] for name, values in parse_qs(urlsplit(back["Location"]).query).items()}


def token(web, grant_type, **data):
    data["grant_type"] = grant_type
    return web.post("/o/token/", data, HTTP_AUTHORIZATION=login())


def redeem(web, code, **extra):
    extra = {"redirect_uri": BACK, "code_verifier": VERIFIER, **extra}
    return token(web, "authorization_code", code=code, **extra)


def refresh(client, pair, **extra):
    return token(client, "refresh_token", refresh_token=pair["refresh_token"], **extra)


@pytest.fixture
def code(client, alice, granted):
    client.force_login(alice, "django.contrib.auth.backends.ModelBackend")
    return consent(client, ask(client))["code"]


@pytest.fixture
def pair(client, code):
    return redeem(client, code).json()


def scopes_of(pair):
    return AccessToken.objects.get(token_checksum=checksum(pair["access_token"])).scope


def checksum(token):
    return hashlib.sha256(token.encode()).hexdigest()


def live_tokens():
    live = RefreshToken.objects.filter(revoked__isnull=True)
    return AccessToken.objects.count(), live.count()


@pytest.fixture
def with_oidc(settings):
    settings.OAUTH2_PROVIDER = {
        **settings.OAUTH2_PROVIDER,
        "OIDC_ENABLED": True,
        "OIDC_RSA_PRIVATE_KEY": rsa_key(),
    }


@pytest.fixture
def with_devices(settings):
    settings.OAUTH2_PROVIDER = {
        **settings.OAUTH2_PROVIDER,
        "OAUTH_DEVICE_VERIFICATION_URI": "https://testserver/o/device/",
    }
