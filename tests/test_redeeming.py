"""An authorization code is redeemed once, by whom it was issued to."""

from __future__ import annotations

import re
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client
from django.urls import include, path
from oauth2_provider.models import (
    AccessToken,
    Grant,
    RefreshToken,
)
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.oauth2.rfc6749.grant_types import AuthorizationCodeGrant

from api_guard import grants
from api_guard.models import RedeemedCode
from api_guard.tokens import revoking
from tests.authorization import (
    BACK,
    SECRET,
    VERIFIER,
    ask,
    consent,
    live_tokens,
    login,
    redeem,
    refresh,
    scopes_of,
    token,
)
from tests.authorization import code as code
from tests.authorization import deployed as deployed
from tests.authorization import granted as granted
from tests.authorization import in_both_settings as in_both_settings
from tests.authorization import pair as pair
from tests.authorization import web_app as web_app
from tests.authorization import with_oidc as with_oidc

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

urlpatterns = [path("o/", include("api_guard.oauth2.urls"))]


def test_a_code_becomes_a_token_of_what_is_granted_by_then(client, code, granted):
    grants.revoke(granted["user", "notes:write"], by=grants.System("a test"))
    issued = redeem(client, code)
    assert (issued.status_code, issued.json()["scope"]) == (200, "notes:read")
    assert issued["Cache-Control"] == "no-store"
    assert scopes_of(issued.json()) == "notes:read"


def test_a_code_of_which_nothing_is_left_is_void(client, code, granted):
    for row in granted.values():
        grants.revoke(row, by=grants.System("a test"))
    refused = redeem(client, code)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


def test_the_code_of_an_inactive_user_is_void(client, code, alice):
    get_user_model().objects.filter(pk=alice.pk).update(is_active=False)
    assert redeem(client, code).json() == {"error": "invalid_grant"}


def test_a_code_is_redeemed_once(client, code):
    assert redeem(client, code).status_code == 200
    assert redeem(client, code).json() == {"error": "invalid_grant"}


def test_a_code_that_comes_twice_ends_what_was_issued_for_it(client, code, caplog):
    redeem(client, code)
    assert live_tokens() == (1, 1)
    redeem(client, code)
    assert live_tokens() == (0, 0)
    assert "The client web sent one code twice" in caplog.text
    assert code not in caplog.text


def test_and_what_came_of_that_since(client, code):
    """Whoever stole the code was first, and has refreshed at once."""
    stolen = refresh(client, redeem(client, code).json()).json()
    redeem(client, code)
    assert live_tokens() == (0, 0)
    assert refresh(client, stolen).json() == {"error": "invalid_grant"}


def test_and_of_nothing_else(client, code, pair, alice):
    RefreshToken.objects.update(token_family=None)
    other = redeem(client, consent(client, ask(client))["code"]).json()
    RefreshToken.objects.update(token_family=None)
    redeem(client, code)
    assert live_tokens() == (1, 1)
    assert refresh(client, other).status_code == 200


def test_an_access_token_that_came_alone_ends_as_well(client, code, monkeypatch):
    monkeypatch.setattr(AuthorizationCodeGrant, "refresh_token", False)
    assert "refresh_token" not in redeem(client, code).json()
    redeem(client, code)
    assert live_tokens() == (0, 0)


def test_a_code_is_remembered_as_long_as_a_token_of_it_lives(client, code, settings):
    settings.OAUTH2_PROVIDER = {
        **settings.OAUTH2_PROVIDER,
        "REFRESH_TOKEN_EXPIRE_SECONDS": None,
        "REFRESH_TOKEN_REUSE_PROTECTION": False,
    }
    stolen = refresh(client, refresh(client, redeem(client, code).json()).json()).json()
    call_command("cleartokens", verbosity=0)
    assert RefreshToken.objects.count() == 1
    redeem(client, code)
    assert live_tokens() == (0, 0)
    assert refresh(client, stolen).json() == {"error": "invalid_grant"}


@pytest.mark.parametrize("verifier", ["w" * 43, "", "\xe9" * 43])
def test_whoever_read_a_code_somewhere_ends_nothing(client, code, pair, verifier):
    assert redeem(client, code, code_verifier=verifier).status_code == 400
    assert live_tokens() == (1, 1)


def test_another_client_ends_nothing(client, code, pair, application):
    application.client_id, application.client_secret = "other", SECRET
    application.authorization_grant_type = "authorization-code"
    application.save()
    data = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER}
    assert client.post("/o/token/", data, HTTP_AUTHORIZATION=login("other")).status_code == 400
    assert live_tokens() == (1, 1)


@pytest.mark.parametrize("kept", [(VERIFIER, "plain", VERIFIER), ("", "", None)])
def test_a_code_without_a_hash_to_prove_comes_twice(client, code, settings, kept):
    settings.OAUTH2_PROVIDER = {**settings.OAUTH2_PROVIDER, "PKCE_REQUIRED": False}
    Grant.objects.update(code_challenge=kept[0], code_challenge_method=kept[1])
    proof = {"code_verifier": kept[2]} if kept[2] else {}
    data = {"code": code, "redirect_uri": BACK, **proof}
    assert token(client, "authorization_code", **data).status_code == 200
    token(client, "authorization_code", **data)
    assert live_tokens() == (0, 0)


@pytest.mark.parametrize("verifier", [VERIFIER, "w" * 43])
@pytest.mark.parametrize("is_required", [True, False])
def test_a_verifier_of_a_code_without_a_challenge_is_refused(
    client, code, settings, verifier, is_required
):
    """RFC 9700 §2.1.1: whoever took the challenge away would redeem a code of its own."""
    settings.OAUTH2_PROVIDER = {**settings.OAUTH2_PROVIDER, "PKCE_REQUIRED": is_required}
    Grant.objects.update(code_challenge="", code_challenge_method="")
    assert redeem(client, code, code_verifier=verifier).json()["error"] == "invalid_grant"
    assert not AccessToken.objects.exists()


@pytest.mark.usefixtures("with_oidc")
@pytest.mark.parametrize("said", [{}, {"code": "the code of another"}])
@pytest.mark.parametrize(
    ("kind", "grant_type"),
    [
        ("implicit", "authorization_code"),
        ("implicit", "client_credentials"),
        ("implicit", "urn:ietf:params:oauth:grant-type:device_code"),
        ("openid-hybrid", "authorization_code"),
        ("openid-hybrid", "client_credentials"),
    ],
)
def test_a_page_of_consent_has_no_grant_type(
    client, bob, alice, web_app, granted, settings, code, said, kind, grant_type
):
    settings.OAUTH2_PROVIDER = {
        **settings.OAUTH2_PROVIDER,
        "PKCE_REQUIRED": False,
        "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": False,
    }
    web_app.authorization_grant_type = kind
    web_app.save()
    grants.grant("notes:read", bob, by=grants.System("a test"))
    client.force_login(bob, "django.contrib.auth.backends.ModelBackend")
    forged = {"grant_type": grant_type, **({"code": code} if said else {})}
    response_type = "token" if kind == "implicit" else "code token"
    query = {
        "response_type": response_type,
        "client_id": "web",
        "redirect_uri": BACK,
        "scope": "notes:read",
        "nonce": "n",
        **forged,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        page = client.get("/o/authorize/", query)
        hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.content.decode())
        form = {**dict(hidden), "allow": "Authorize"}
        form.pop("csrfmiddlewaretoken", None)
        back = client.post(f"/o/authorize/?{urlencode(query)}", form)
    assert (back.status_code, "access_token=" in back["Location"]) == (302, True)
    assert [row.user.username for row in AccessToken.objects.all()] == ["bob"]
    assert Grant.objects.filter(code=code).exists()
    assert not RedeemedCode.objects.exists()


@pytest.mark.parametrize(
    "said",
    [{"code_challenge": "\xe9" * 43}, {"code_challenge": "c" * 129}, {"nonce": "n" * 256}],
)
def test_what_can_be_no_challenge_or_nonce_is_refused_before_consent(client, alice, granted, said):
    client.force_login(alice)
    assert "error=invalid_request" in ask(client, **said)["Location"]


def test_a_challenge_beyond_ascii_is_verified_by_nothing(client, code):
    Grant.objects.update(code_challenge="\xe9" * 43)
    assert redeem(client, code).json() == {"error": "invalid_grant"}


def test_a_redeemed_code_is_known_by_its_checksum_alone(client, code, pair):
    row = RedeemedCode.objects.get()
    assert code not in str(vars(row))
    assert str(row) == f"code {row.code_checksum[:8]}…"
    RefreshToken.objects.all().delete()
    assert not RedeemedCode.objects.exists()


def test_a_code_that_is_no_more_when_its_token_is_saved_gives_none(client, code, monkeypatch):
    saved = OAuth2Validator._save_bearer_token

    def slow(self, token, request, *args, **kwargs):
        saved(self, token, request, *args, **kwargs)
        Grant.objects.all().delete()

    monkeypatch.setattr(OAuth2Validator, "_save_bearer_token", slow)
    assert redeem(client, code).json() == {"error": "invalid_grant"}
    assert not AccessToken.objects.exists()


def test_a_code_without_its_verifier_or_of_another_client_is_void(client, code, application):
    refused = token(client, "authorization_code", code=code, redirect_uri=BACK)
    assert refused.status_code == 400
    application.client_id, application.client_secret = "other", SECRET
    application.authorization_grant_type = "authorization-code"
    application.save()
    other = client.post(
        "/o/token/",
        {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": BACK,
            "code_verifier": VERIFIER,
        },
        HTTP_AUTHORIZATION=login("other"),
    )
    assert other.json() == {"error": "invalid_grant"}


@pytest.mark.parametrize(
    "name", ["get_code_challenge", "get_code_challenge_method", "confirm_redirect_uri"]
)
def test_a_code_that_goes_while_it_is_redeemed_is_void(client, code, monkeypatch, name):
    asked = getattr(OAuth2Validator, name)

    def late(self, *args, **kwargs):
        Grant.objects.all().delete()
        return asked(self, *args, **kwargs)

    monkeypatch.setattr(OAuth2Validator, name, late)
    refused = redeem(client, code)
    assert (refused.status_code, refused.json()) == (400, {"error": "invalid_grant"})


@pytest.mark.parametrize("name", ["user", "refresh_token_instance", "consented", "client"])
def test_what_a_form_says_of_the_server_s_own_attributes_counts_for_nothing(client, code, name):
    issued = redeem(client, code, **{name: "1"})
    assert issued.status_code == 200
    assert AccessToken.objects.get().user.username == "alice"


def test_a_verifier_beyond_ascii_is_none(client, code):
    Grant.objects.update(code_challenge_method="plain", code_challenge=VERIFIER)
    answer = redeem(client, code, code_verifier="é" * 43)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite writes one at a time")
@pytest.mark.django_db(transaction=True)
def test_of_many_who_redeem_one_code_at_once_one_gets_a_token(client, code):
    def one(_):
        try:
            return redeem(Client(), code).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(16)))
    assert sorted(answers) == [200] + [400] * 15
    assert live_tokens() == (0, 0)


def refresh_until_refused(pair):
    try:
        for _ in range(300):
            if "refresh_token" not in pair:
                return
            pair = refresh(Client(), pair).json()
    finally:
        connections.close_all()


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite writes one at a time")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("pause", [0, 0.1])
def test_no_refresh_outruns_the_end_of_a_code_that_came_twice(
    client, alice, granted, monkeypatch, pause
):
    """Nor one that comes in the midst of it."""
    revoke = revoking._revoke_pairs

    def slow(*args):
        time.sleep(pause)
        return revoke(*args)

    monkeypatch.setattr(revoking, "_revoke_pairs", slow)
    client.force_login(alice, "django.contrib.auth.backends.ModelBackend")
    with ThreadPoolExecutor(1) as pool:
        for _ in range(10):
            cache.clear()  # of failures
            code = consent(client, ask(client))["code"]
            refreshing = pool.submit(refresh_until_refused, redeem(client, code).json())
            time.sleep(pause)
            assert redeem(client, code).status_code == 400
            refreshing.result(30)
            assert live_tokens() == (0, 0)
