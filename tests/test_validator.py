"""The authorization server asks what is granted at every step of a token's life."""

from __future__ import annotations

import base64
import hashlib
import re
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.management import call_command
from django.db import OperationalError, connection, connections
from django.http import HttpResponse
from django.test import Client
from django.urls import include, path
from django.utils import timezone
from oauth2_provider.models import (
    AccessToken,
    Application,
    DeviceGrant,
    Grant,
    IDToken,
    RefreshToken,
)
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.views import ProtectedResourceView, ScopedProtectedResourceView
from oauthlib.oauth2.rfc6749.grant_types import AuthorizationCodeGrant

from api_guard import grants, tokens
from api_guard.checks import check_decorators
from api_guard.models import RedeemedCode, RefreshScope
from api_guard.oauth2 import GuardedValidatorMixin, protected_resource, rw_protected_resource
from api_guard.oauth2.toolkit import protected_resource as of_the_toolkit
from api_guard.tokens import revoking

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

SECRET = "secret"
VERIFIER = "v" * 43
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
)
BACK = "https://client.example/back"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


class Plain(ProtectedResourceView):
    def get(self, request):
        return HttpResponse("plain")


class Scoped(ScopedProtectedResourceView):
    required_scopes = ["notes:read"]

    def get(self, request):
        return HttpResponse(getattr(request.resource_owner, "username", "nobody"))


@protected_resource(["notes:read"])
def decorated(request):
    return HttpResponse("decorated")


@of_the_toolkit(["notes:read"])
def loose(request):
    return HttpResponse("loose")


urlpatterns = [
    path("o/", include("api_guard.oauth2.urls")),
    path("plain", Plain.as_view()),
    path("scoped", Scoped.as_view()),
    path("decorated", decorated),
    path("loose", loose),
]


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
    """alice and the client hold both scopes; each grant by its holder and scope."""
    return {
        (kind, scope): grants.grant(scope, holder)
        for kind, holder in (("user", alice), ("client", web_app))
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


def consent(client, page):
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.content.decode()))
    hidden.pop("csrfmiddlewaretoken", None)
    back = client.post("/o/authorize/", {**hidden, "allow": "Authorize"})
    assert back.status_code == 302, back.content
    return {name: values[0] for name, values in parse_qs(urlsplit(back["Location"]).query).items()}


def token(web, grant_type, **data):
    data["grant_type"] = grant_type
    return web.post("/o/token/", data, HTTP_AUTHORIZATION=login())


def redeem(web, code, **extra):
    extra = {"redirect_uri": BACK, "code_verifier": VERIFIER, **extra}
    return token(web, "authorization_code", code=code, **extra)


@pytest.fixture
def code(client, alice, granted):
    client.force_login(alice, "django.contrib.auth.backends.ModelBackend")
    return consent(client, ask(client))["code"]


@pytest.fixture
def pair(client, code):
    return redeem(client, code).json()


def scopes_of(pair):
    return AccessToken.objects.get(token=pair["access_token"]).scope


# Consent


def test_a_page_of_consent_shows_what_both_sides_may_have(client, alice, granted):
    client.force_login(alice)
    shown = ask(client).content.decode()
    assert "Read notes" in shown
    assert "Change notes" in shown
    grants.revoke(granted["user", "notes:write"])
    shown = ask(client).content.decode()
    assert "Read notes" in shown
    assert "Change notes" not in shown


def test_a_client_may_not_ask_for_what_it_was_not_granted(client, alice, granted):
    client.force_login(alice)
    grants.revoke(granted["client", "notes:write"])
    assert "error=invalid_scope" in ask(client)["Location"]
    assert "state=s" in ask(client)["Location"]


def test_a_user_who_has_none_of_it_is_not_asked(client, bob, granted):
    client.force_login(bob)
    answer = ask(client)
    assert answer.status_code == 302
    assert answer["Location"].startswith(f"{BACK}?error=invalid_scope")


def test_a_visitor_signs_in_first(client, granted):
    answer = ask(client)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/?next=")


def test_a_form_of_consent_cannot_be_made_to_say_more(client, alice, granted):
    client.force_login(alice)
    grants.revoke(granted["user", "notes:write"])
    page = ask(client, scope="notes:read")
    tampered = page.content.replace(
        b'name="scope" value="notes:read"', b'name="scope" value="notes:read notes:write"'
    )
    page.content = tampered
    code = consent(client, page)["code"]
    assert Grant.objects.get(code=code).scope == "notes:read"


def test_a_page_of_consent_is_neither_framed_nor_kept(client, alice, granted):
    client.force_login(alice)
    page = ask(client)
    assert page["X-Frame-Options"] == "DENY"
    assert page["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert page["Referrer-Policy"] == "no-referrer"
    assert page["Cache-Control"] == "no-store"


# Code exchange


def test_a_code_becomes_a_token_of_what_is_granted_by_then(client, code, granted):
    grants.revoke(granted["user", "notes:write"])
    issued = redeem(client, code)
    assert (issued.status_code, issued.json()["scope"]) == (200, "notes:read")
    assert issued["Cache-Control"] == "no-store"
    assert scopes_of(issued.json()) == "notes:read"


def test_a_code_of_which_nothing_is_left_is_void(client, code, granted):
    for row in granted.values():
        grants.revoke(row)
    refused = redeem(client, code)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


def test_the_code_of_an_inactive_user_is_void(client, code, alice):
    get_user_model().objects.filter(pk=alice.pk).update(is_active=False)
    assert redeem(client, code).json() == {"error": "invalid_grant"}


def test_a_code_is_redeemed_once(client, code):
    assert redeem(client, code).status_code == 200
    assert redeem(client, code).json() == {"error": "invalid_grant"}


def live_tokens():
    live = RefreshToken.objects.filter(revoked__isnull=True)
    return AccessToken.objects.count(), live.count()


def test_a_code_that_comes_twice_ends_what_was_issued_for_it(client, code, caplog):
    redeem(client, code)
    assert live_tokens() == (1, 1)
    redeem(client, code)
    assert live_tokens() == (0, 0)
    assert "The client web came twice with one code" in caplog.text
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


def test_a_code_is_remembered_as_long_as_a_token_of_it_lives(client, code):
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


@pytest.mark.parametrize("kept", [(VERIFIER, "plain"), ("", "")])
def test_a_code_without_a_hash_to_prove_comes_twice(client, code, settings, kept):
    settings.OAUTH2_PROVIDER = {**settings.OAUTH2_PROVIDER, "PKCE_REQUIRED": False}
    Grant.objects.update(code_challenge=kept[0], code_challenge_method=kept[1])
    assert redeem(client, code).status_code == 200
    redeem(client, code)
    assert live_tokens() == (0, 0)


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
        "COMPLIANT_BCP_RFC9700_RESPONSE_TYPES": False,
    }
    web_app.authorization_grant_type = kind
    web_app.save()
    grants.grant("notes:read", bob)
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


# Refresh


def refresh(client, pair, **extra):
    return token(client, "refresh_token", refresh_token=pair["refresh_token"], **extra)


def test_a_refresh_narrows_and_a_new_grant_undoes_it(client, pair, granted, alice):
    assert pair["scope"] == "notes:read notes:write"
    grants.revoke(granted["user", "notes:write"])
    narrowed = refresh(client, pair).json()
    assert narrowed["scope"] == scopes_of(narrowed) == "notes:read"
    again = refresh(client, narrowed).json()
    assert again["scope"] == "notes:read"
    grants.grant("notes:write", alice)
    whole = refresh(client, again).json()
    assert whole["scope"] == scopes_of(whole) == "notes:read notes:write"
    last = RefreshToken.objects.get(token=whole["refresh_token"])
    assert not RefreshScope.objects.filter(refresh_token=last).exists()


def test_a_refresh_that_asks_for_less_leaves_the_refresh_token_whole(client, pair, granted):
    less = refresh(client, pair, scope="notes:read").json()
    assert less["scope"] == scopes_of(less) == "notes:read"
    assert refresh(client, less).json()["scope"] == "notes:read notes:write"


def test_a_refresh_never_widens(client, pair, granted, alice, web_app):
    for holder in (alice, web_app):
        grants.grant("notes:publish", holder)
    assert (
        refresh(client, pair, scope="notes:read notes:publish").json()["error"] == "invalid_scope"
    )
    assert refresh(client, pair).json()["scope"] == "notes:read notes:write"


def test_a_refresh_that_asks_for_what_was_revoked_gets_the_rest(client, pair, granted):
    grants.revoke(granted["client", "notes:write"])
    got = refresh(client, pair, scope="notes:read notes:write").json()
    assert got["scope"] == "notes:read"
    only = refresh(client, got, scope="notes:write").json()
    assert only["error"] == "invalid_scope"


def test_a_refresh_of_which_nothing_is_left_is_refused_and_can_be_tried_again(
    client, pair, granted, alice
):
    for scope in ("notes:read", "notes:write"):
        grants.revoke(granted["user", scope])
    refused = refresh(client, pair)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")
    grants.grant("notes:read", alice)
    assert refresh(client, pair).json()["scope"] == "notes:read"


def test_the_refresh_token_of_an_inactive_user_is_void(client, pair, alice):
    get_user_model().objects.filter(pk=alice.pk).update(is_active=False)
    assert refresh(client, pair).json() == {"error": "invalid_grant"}


def test_a_refresh_token_that_is_not_rotated_stays_whole(client, pair, granted, settings, alice):
    settings.OAUTH2_PROVIDER = {**settings.OAUTH2_PROVIDER, "ROTATE_REFRESH_TOKEN": False}
    grants.revoke(granted["user", "notes:write"])
    narrowed = refresh(client, pair).json()
    assert narrowed["refresh_token"] == pair["refresh_token"]
    assert narrowed["scope"] == "notes:read"
    grants.grant("notes:write", alice)
    assert refresh(client, pair).json()["scope"] == "notes:read notes:write"


def test_a_replayed_refresh_token_ends_its_family_where_the_toolkit_is_told_to(
    client, pair, settings
):
    settings.OAUTH2_PROVIDER = {**settings.OAUTH2_PROVIDER, "REFRESH_TOKEN_REUSE_PROTECTION": True}
    second = refresh(client, pair).json()
    assert refresh(client, pair).json() == {"error": "invalid_grant"}
    assert refresh(client, second).json() == {"error": "invalid_grant"}
    assert not AccessToken.objects.filter(token=second["access_token"]).exists()


# Other ways to a token


def test_a_client_on_its_own_behalf_without_a_grant_gets_no_token(client, web_app):
    web_app.authorization_grant_type = "client-credentials"
    web_app.save()
    assert token(client, "client_credentials").json() == {"error": "invalid_scope"}
    grants.grant("notes:read", web_app)
    assert token(client, "client_credentials").json()["scope"] == "notes:read"


@pytest.mark.filterwarnings("ignore:The OAuth 2.0 resource owner:DeprecationWarning")
def test_a_password_gives_what_both_sides_may_have(client, alice, web_app, granted):
    web_app.authorization_grant_type = "password"
    web_app.save()
    grants.revoke(granted["user", "notes:write"])
    got = token(client, "password", username="alice", password="wonderland")
    assert got.json()["scope"] == "notes:read"


@pytest.mark.filterwarnings("ignore:The OAuth 2.0 implicit:DeprecationWarning")
def test_an_implicit_token_carries_what_both_sides_may_have(client, alice, web_app, granted):
    web_app.authorization_grant_type = "implicit"
    web_app.save()
    client.force_login(alice)
    grants.revoke(granted["user", "notes:write"])
    page = ask(client, response_type="token")
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.content.decode()))
    back = client.post("/o/authorize/", {**hidden, "scope": "notes:read", "allow": "Authorize"})
    fragment = parse_qs(urlsplit(back["Location"]).fragment)
    assert fragment["scope"] == ["notes:read"]


# Devices


@pytest.fixture
def device_app(web_app):
    web_app.authorization_grant_type = DEVICE
    web_app.client_type = "public"
    web_app.save()
    return web_app


@pytest.fixture
def with_devices(settings):
    settings.OAUTH2_PROVIDER = {
        **settings.OAUTH2_PROVIDER,
        "OAUTH_DEVICE_VERIFICATION_URI": "https://testserver/o/device/",
    }


FORM = "application/x-www-form-urlencoded"


def start(client, scope="scope=notes%3Aread+notes%3Awrite"):
    answer = client.post("/o/device-authorization/", f"client_id=web&{scope}", content_type=FORM)
    assert answer.status_code == 200, answer.content
    return answer.json()


def approve(client, user, started):
    client.force_login(user)
    assert client.post("/o/device/", {"user_code": started["user_code"]}).status_code == 302
    page = client.get(f"/o/device-confirm/web/{started['user_code']}")
    client.post(f"/o/device-confirm/web/{started['user_code']}", {"action": "accept"})
    return page


def poll(client, started, client_id="web"):
    body = f"grant_type={DEVICE}&device_code={started['device_code']}&client_id={client_id}"
    return client.post("/o/token/", body, content_type=FORM)


@pytest.mark.usefixtures("with_devices", "device_app")
def test_a_device_gets_once_what_its_user_approved_and_may_have(client, alice, granted):
    started = start(client)
    assert poll(client, started).json()["error"] == "authorization_pending"
    grants.revoke(granted["user", "notes:write"])
    page = approve(client, alice, started)
    assert "Read notes" in page.content.decode()
    assert "Change notes" not in page.content.decode()
    got = poll(client, started)
    assert (got.status_code, got.json()["scope"]) == (200, "notes:read")
    issued = AccessToken.objects.get()
    assert (issued.user, issued.scope) == (alice, "notes:read")
    assert poll(client, started).json() == {"error": "invalid_grant"}
    assert AccessToken.objects.count() == 1
    # The refresh token stands for what was approved.
    grants.grant("notes:write", alice)
    refresh_token = RefreshToken.objects.get()
    assert RefreshScope.objects.get(refresh_token=refresh_token).scope == "notes:read notes:write"


@pytest.mark.usefixtures("with_devices", "device_app")
def test_a_device_that_names_no_scope_asks_for_what_the_client_has(client, alice, granted):
    started = start(client, "")
    approve(client, alice, started)
    assert poll(client, started).json()["scope"] == "notes:read notes:write"


@pytest.mark.usefixtures("with_devices", "device_app")
def test_a_device_cannot_ask_for_what_its_client_was_not_granted(client, granted):
    body = "client_id=web&scope=audit%3Aread"
    answer = client.post("/o/device-authorization/", body, content_type=FORM)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
    assert not DeviceGrant.objects.exists()


@pytest.mark.usefixtures("with_devices", "device_app")
def test_a_device_code_is_worth_nothing_to_another_client(client, alice, granted):
    other = Application.objects.create(
        client_id="other", client_type="public", authorization_grant_type=DEVICE
    )
    grants.grant("notes:read", other)
    started = start(client)
    approve(client, alice, started)
    assert poll(client, started, "other").json() == {"error": "invalid_grant"}
    assert poll(client, started).status_code == 200


@pytest.mark.usefixtures("with_devices", "device_app")
def test_a_device_code_ends_with_its_time_its_user_and_its_grants(client, alice, granted):
    for change, error in (
        (lambda: DeviceGrant.objects.update(expires=timezone.now()), "expired_token"),
        (lambda: DeviceGrant.objects.update(status="denied"), "access_denied"),
        (lambda: [grants.revoke_all(alice)], "invalid_grant"),
        (lambda: get_user_model().objects.update(is_active=False), "invalid_grant"),
    ):
        started = start(client)
        approve(client, alice, started)
        change()
        assert poll(client, started).json()["error"] == error
        DeviceGrant.objects.all().delete()
    assert not AccessToken.objects.exists()


@pytest.mark.usefixtures("with_devices", "device_app")
def test_a_device_code_that_is_gone_when_its_token_is_saved_gives_none(
    client, alice, granted, monkeypatch
):
    started = start(client)
    approve(client, alice, started)
    saved = OAuth2Validator._save_bearer_token

    def slow(self, token, request, *args, **kwargs):
        saved(self, token, request, *args, **kwargs)
        DeviceGrant.objects.all().delete()

    monkeypatch.setattr(OAuth2Validator, "_save_bearer_token", slow)
    assert poll(client, started).json() == {"error": "invalid_grant"}
    assert not AccessToken.objects.exists()


@pytest.mark.usefixtures("with_devices", "device_app")
def test_a_poll_without_a_device_code_is_an_invalid_request(client, granted):
    answer = client.post("/o/token/", f"grant_type={DEVICE}&client_id=web", content_type=FORM)
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"})


# Use, at the toolkit's own views


@pytest.mark.parametrize("url", ["/scoped", "/decorated"])
def test_a_revoke_ends_what_the_toolkit_s_own_views_admit(client, pair, granted, url):
    bearer = f"Bearer {pair['access_token']}"
    assert client.get(url, HTTP_AUTHORIZATION=bearer).status_code == 200
    grants.revoke(granted["client", "notes:read"])
    assert client.get(url, HTTP_AUTHORIZATION=bearer).status_code == 403
    assert client.get("/plain", HTTP_AUTHORIZATION=bearer).status_code == 200


def test_a_decorator_of_ours_says_what_is_missing(client, pair, granted):
    grants.revoke(granted["user", "notes:read"])
    refused = client.get("/decorated", HTTP_AUTHORIZATION=f"Bearer {pair['access_token']}")
    assert refused.status_code == 403
    assert 'error="insufficient_scope"' in refused["WWW-Authenticate"]
    refused = client.get("/decorated")
    assert refused.status_code == 401
    assert "resource_metadata=" in refused["WWW-Authenticate"]


def test_a_read_write_decorator_asks_for_the_toolkit_s_scopes(rf, pair, settings):
    settings.OAUTH2_PROVIDER = {
        **settings.OAUTH2_PROVIDER,
        "READ_SCOPE": "notes:read",
        "WRITE_SCOPE": "audit:read",
    }
    view = rw_protected_resource()(lambda request: HttpResponse("seen"))
    bearer = f"Bearer {pair['access_token']}"
    assert view(rf.get("/", HTTP_AUTHORIZATION=bearer)).content == b"seen"
    assert view(rf.post("/", HTTP_AUTHORIZATION=bearer)).status_code == 403


def test_the_toolkit_s_own_decorator_is_named_by_a_check():
    [message] = check_decorators()
    assert message.id == "api_guard.W037"
    assert message.msg.startswith("tests.test_validator.loose, at /loose, stands behind")


@pytest.mark.filterwarnings("ignore:Presenting an OAuth 2.0 access token:DeprecationWarning")
def test_a_token_outside_the_header_opens_nothing(client, pair):
    for send in (client.post, client.get):
        refused = send("/plain", {"access_token": pair["access_token"]})
        assert refused.status_code == 403


def test_a_token_of_an_inactive_user_or_for_another_resource_opens_nothing(client, pair, alice):
    bearer = f"Bearer {pair['access_token']}"
    AccessToken.objects.update(resource=["https://other.example/"])
    assert client.get("/plain", HTTP_AUTHORIZATION=bearer).status_code == 403
    AccessToken.objects.update(resource=[])
    assert client.get("/plain", HTTP_AUTHORIZATION=bearer).status_code == 200
    get_user_model().objects.update(is_active=False)
    assert client.get("/plain", HTTP_AUTHORIZATION=bearer).status_code == 403


def test_the_toolkit_s_introspection_by_name_is_not_followed(client, settings, caplog):
    settings.OAUTH2_PROVIDER = {
        **settings.OAUTH2_PROVIDER,
        "RESOURCE_SERVER_INTROSPECTION_URL": "http://127.0.0.1:9/",
        "RESOURCE_SERVER_AUTH_TOKEN": "secret",
    }
    assert client.get("/plain", HTTP_AUTHORIZATION="Bearer unknown").status_code == 403
    assert "is not followed" in caplog.text


# OpenID Connect


@pytest.fixture
def with_oidc(settings):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    settings.OAUTH2_PROVIDER = {
        **settings.OAUTH2_PROVIDER,
        "OIDC_ENABLED": True,
        "OIDC_RSA_PRIVATE_KEY": key.decode(),
    }


@pytest.mark.usefixtures("with_oidc")
def test_openid_connect_signs_in_without_any_grant(client, bob, web_app):
    client.force_login(bob)
    page = ask(client, scope="openid profile", nonce="n")
    assert "Sign you in" in page.content.decode()
    pair = redeem(client, consent(client, page)["code"]).json()
    assert pair["scope"] == "openid profile"
    assert pair["id_token"].count(".") == 2
    bearer = f"Bearer {pair['access_token']}"
    told = client.get("/o/userinfo/", HTTP_AUTHORIZATION=bearer)
    assert (told.json()["sub"], told["Cache-Control"]) == (str(bob.pk), "no-store")
    again = refresh(client, pair).json()
    assert again["scope"] == "openid profile"
    assert client.get("/scoped", HTTP_AUTHORIZATION=bearer).status_code == 403


@pytest.mark.usefixtures("with_oidc")
@pytest.mark.parametrize("fields", [{"algorithm": ""}, {"algorithm": "HS256"}])
def test_a_client_that_cannot_sign_is_named_in_the_log(client, bob, web_app, fields, caplog):
    secret = {"client_secret": "short", "hash_client_secret": False}
    Application.objects.update(**secret, **fields)
    client.force_login(bob)
    code = consent(client, ask(client, scope="openid"))["code"]
    data = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
    header = login(secret="short")
    refused = client.post(
        "/o/token/", {**data, "code_verifier": VERIFIER}, HTTP_AUTHORIZATION=header
    )
    assert (refused.status_code, refused.json()["error"]) == (400, "server_error")
    assert "The client Web cannot be issued an ID token" in caplog.text
    assert not AccessToken.objects.exists()


@pytest.mark.usefixtures("with_oidc")
def test_an_id_token_is_no_bearer_token(client, bob, web_app):
    client.force_login(bob)
    pair = redeem(client, consent(client, ask(client, scope="openid"))["code"]).json()
    assert IDToken.objects.count() == 1
    for url in ("/plain", "/o/userinfo/"):
        refused = client.get(url, HTTP_AUTHORIZATION=f"Bearer {pair['id_token']}")
        assert refused.status_code in (401, 403)


@pytest.mark.usefixtures("with_oidc")
@pytest.mark.parametrize("junk", ["ey.a.b", "eyJ.eyJ.", "ey.a.b.c.d", "ey..", "a b", "é", "\x00"])
def test_junk_is_refused_and_never_an_error(client, db, junk):
    assert client.get("/plain", HTTP_AUTHORIZATION=f"Bearer {junk}").status_code == 403
    assert client.get("/o/userinfo/", HTTP_AUTHORIZATION=f"Bearer {junk}").status_code == 401


# Endpoints


ENDPOINTS = ["token", "revoke_token", "introspect", "device-authorization"]


@pytest.mark.parametrize("name", ENDPOINTS)
def test_an_answer_to_a_client_is_not_kept(client, db, name):
    answer = client.post(f"/o/{name}/", {"client_id": "x"})
    assert 400 <= answer.status_code < 500
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("name", [*ENDPOINTS, "authorize"])
@pytest.mark.parametrize("data", [{"client_id": "a\0b"}, {"a\0b": "c"}])
def test_a_null_character_is_an_invalid_request(client, db, name, data):
    for send in (client.post, client.get):
        answer = send(f"/o/{name}/", data)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_what_the_metadata_say_may_be_kept_and_names_every_scope(client, db, settings):
    told = client.get("/o/.well-known/oauth-protected-resource")
    assert "no-store" not in told.get("Cache-Control", "")
    assert told.json()["scopes_supported"] == sorted(settings.API_GUARD["SCOPES"])


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
def test_no_refresh_outruns_the_end_of_a_code_that_came_twice(client, alice, granted):
    client.force_login(alice, "django.contrib.auth.backends.ModelBackend")
    with ThreadPoolExecutor(1) as pool:
        for _ in range(20):
            cache.clear()  # of failures
            code = consent(client, ask(client))["code"]
            refreshing = pool.submit(refresh_until_refused, redeem(client, code).json())
            assert redeem(client, code).status_code == 400
            refreshing.result(30)
            assert live_tokens() == (0, 0)


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite writes one at a time")
@pytest.mark.django_db(transaction=True)
def test_nor_does_one_that_comes_in_the_midst_of_it(client, alice, granted, monkeypatch):
    revoke = revoking._revoke_pairs

    def slow(*args):
        time.sleep(0.1)
        return revoke(*args)

    monkeypatch.setattr(revoking, "_revoke_pairs", slow)
    client.force_login(alice, "django.contrib.auth.backends.ModelBackend")
    with ThreadPoolExecutor(1) as pool:
        for _ in range(6):
            cache.clear()  # of failures
            code = consent(client, ask(client))["code"]
            refreshing = pool.submit(refresh_until_refused, redeem(client, code).json())
            time.sleep(0.1)
            assert redeem(client, code).status_code == 400
            refreshing.result(30)
            assert live_tokens() == (0, 0)


class MyValidator(GuardedValidatorMixin, OAuth2Validator):
    def get_additional_claims(self, request):
        return {"nickname": "me"}


def test_a_validator_of_one_s_own_takes_the_mixin(client, code, granted, settings):
    settings.OAUTH2_PROVIDER = {
        **settings.OAUTH2_PROVIDER,
        "OAUTH2_VALIDATOR_CLASS": "tests.test_validator.MyValidator",
    }
    grants.revoke(granted["user", "notes:write"])
    assert redeem(client, code).json()["scope"] == "notes:read"


@pytest.mark.usefixtures("with_devices", "device_app")
def test_a_device_code_that_is_asked_for_with_json_or_by_nobody_is_an_error(client, granted):
    body = {"client_id": "web"}
    answer = client.post("/o/device-authorization/", body, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    answer = client.post("/o/device-authorization/", "client_id=nobody", content_type=FORM)
    assert 400 <= answer.status_code < 500


def test_prompt_none_is_answered_for_a_visitor(client, granted):
    answer = ask(client, prompt="none")
    assert (answer.status_code, "error=login_required" in answer["Location"]) == (302, True)


@pytest.mark.usefixtures("with_devices", "device_app")
def test_the_status_of_a_device_code_is_that_of_rfc_8628(rf, granted, alice):
    from types import SimpleNamespace

    from api_guard.oauth2 import GuardedValidator

    def status(code="device", client_id="web"):
        request = SimpleNamespace(client=SimpleNamespace(client_id=client_id))
        return GuardedValidator().validate_device_code(client_id, code, request)

    later = timezone.now() + timedelta(hours=1)
    fields = {"scope": "notes:read", "expires": later, "user": alice, "user_code": "user"}
    device = DeviceGrant.objects.create(client_id="web", device_code="device", **fields)
    assert status() == "authorization_pending"
    assert status("other") is None
    assert status(client_id="other") is None
    device.status = DeviceGrant.DENIED
    device.save()
    assert status() == "access_denied"


@pytest.mark.usefixtures("with_devices", "device_app")
def test_with_oauthlib_3_3_a_device_is_held_to_the_same(client, alice, granted, monkeypatch):
    """It asks neither for a device's scopes nor for the status of its code."""
    from oauthlib.oauth2.rfc8628.grant_types import DeviceCodeGrant

    monkeypatch.setattr(DeviceCodeGrant, "validate_scopes", lambda self, request: None)
    body = "client_id=web&scope=audit%3Aread"
    answer = client.post("/o/device-authorization/", body, content_type=FORM)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
    monkeypatch.undo()

    monkeypatch.setattr(
        DeviceCodeGrant, "validate_device_code", lambda self, request: None, raising=False
    )
    started = start(client)
    approve(client, alice, started)
    DeviceGrant.objects.update(expires=timezone.now())
    assert poll(client, started).json()["error"] == "expired_token"
    DeviceGrant.objects.update(expires=timezone.now() + timedelta(hours=1), status="authorized")
    grants.revoke(granted["user", "notes:write"])
    assert poll(client, started).json()["scope"] == "notes:read"


def test_what_a_refresh_token_stands_for_says_so(client, pair, granted):
    grants.revoke(granted["user", "notes:write"])
    refresh(client, pair)
    assert str(RefreshScope.objects.get()).startswith("notes:read notes:write for refresh token ")


# What is revoked while it is used, and what cannot be read


@pytest.mark.parametrize("rotates", [True, False])
@pytest.mark.parametrize("ending", ["revoke", "password", "delete"])
def test_a_refresh_token_that_is_revoked_while_it_is_used_gives_none(
    client, pair, alice, settings, monkeypatch, rotates, ending
):
    """It is judged before the transaction that saves the new token begins."""
    settings.OAUTH2_PROVIDER = {**settings.OAUTH2_PROVIDER, "ROTATE_REFRESH_TOKEN": rotates}
    saved = OAuth2Validator.save_bearer_token

    def end():
        if ending == "revoke":
            tokens.revoke_tokens(alice)
        elif ending == "password":
            alice.set_password("another")
            alice.save()
        else:
            alice.delete()

    def slow(self, *args, **kwargs):
        end()
        return saved(self, *args, **kwargs)

    monkeypatch.setattr(OAuth2Validator, "save_bearer_token", slow)
    answer = refresh(client, pair)
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_grant"})
    assert not AccessToken.objects.exists()


def test_a_retry_in_the_period_of_grace_gets_what_the_first_got(client, pair, settings, alice):
    provider = {**settings.OAUTH2_PROVIDER, "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": 120}
    settings.OAUTH2_PROVIDER = provider
    second = refresh(client, pair).json()
    assert refresh(client, pair).json()["access_token"] == second["access_token"]
    tokens.revoke_tokens(alice)
    assert refresh(client, pair).json() == {"error": "invalid_grant"}


def test_the_grant_type_by_which_oauthlib_knows_openid_is_none(client, code):
    answer = token(client, "openid", code=code, redirect_uri=BACK, code_verifier=VERIFIER)
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


def test_a_verifier_beyond_ascii_is_none(client, code):
    Grant.objects.update(code_challenge_method="plain", code_challenge=VERIFIER)
    answer = redeem(client, code, code_verifier="é" * 43)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("name", ["redirect_uri", "resource"])
@pytest.mark.parametrize("uri", ["https://[", "http://[::1", "https://client.example:99999/"])
def test_an_address_that_cannot_be_read_is_an_invalid_request(client, alice, granted, name, uri):
    client.force_login(alice, "django.contrib.auth.backends.ModelBackend")
    asked = {"client_id": "web", "response_type": "code", "redirect_uri": BACK, name: uri}
    for answer in (client.get("/o/authorize/", asked), client.post("/o/authorize/", asked)):
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "change",
    [{"client_id": "unknown"}, {"redirect_uri": "https://evil.example/"}],
)
@pytest.mark.parametrize("allow", [{}, {"allow": "Authorize"}])
def test_a_consent_that_was_tampered_with_sends_nobody_anywhere(
    client, alice, granted, change, allow
):
    client.force_login(alice, "django.contrib.auth.backends.ModelBackend")
    form = {
        "client_id": "web",
        "response_type": "code",
        "redirect_uri": BACK,
        "scope": "notes:read",
    }
    answer = client.post("/o/authorize/", {**form, **change, **allow})
    assert answer.status_code == 400
    assert "Location" not in answer.headers


@pytest.mark.parametrize("key", ["abc", "9" * 30])
def test_what_is_no_key_of_a_token_is_not_found(client, alice, key):
    client.force_login(alice, "django.contrib.auth.backends.ModelBackend")
    assert client.get(f"/o/authorized_tokens/{key}/delete/").status_code == 404


def test_a_client_alone_signs_nobody_in(client, web_app, settings):
    settings.OAUTH2_PROVIDER = {**settings.OAUTH2_PROVIDER, "OIDC_ENABLED": True}
    AccessToken.objects.create(
        application=web_app,
        token="alone",
        scope="openid",
        expires=timezone.now() + timedelta(hours=1),
    )
    answer = client.get("/o/userinfo/", HTTP_AUTHORIZATION="Bearer alone")
    assert answer.status_code in (401, 403), answer.content


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_client_that_is_not_known_signs_nobody_out(client, alice, settings, method):
    extra = {"OIDC_ENABLED": True, "OIDC_RP_INITIATED_LOGOUT_ENABLED": True}
    settings.OAUTH2_PROVIDER = {**settings.OAUTH2_PROVIDER, **extra}
    client.force_login(alice, "django.contrib.auth.backends.ModelBackend")
    answer = getattr(client, method)("/o/logout/", {"client_id": "unknown", "allow": "true"})
    assert answer.status_code == 400
    assert "_auth_user_id" in client.session


@pytest.mark.parametrize("credential", ["web:\0", "\0:secret", "%00:secret"])
def test_a_null_character_in_a_basic_credential_is_a_wrong_one(client, web_app, credential):
    header = "Basic " + base64.b64encode(credential.encode()).decode()
    for url in ("/o/token/", "/o/introspect/", "/o/revoke_token/"):
        data = {"grant_type": "client_credentials", "token": "x"}
        assert client.post(url, data, HTTP_AUTHORIZATION=header).status_code == 401


@pytest.mark.parametrize("encoding", ["utf-7", "idna", "punycode", "hex", "no encoding"])
def test_a_form_does_not_say_how_a_basic_credential_is_read(client, granted, encoding):
    data = {"grant_type": "client_credentials", "scope": "notes:read", "encoding": encoding}
    in_utf_7 = "Basic " + base64.b64encode(f"+AHc-eb:{SECRET}".encode()).decode()
    assert token(client, **data).json() == {"error": "unauthorized_client"}
    answer = client.post("/o/token/", data, HTTP_AUTHORIZATION=in_utf_7)
    assert answer.json() == {"error": "invalid_client"}


@pytest.mark.parametrize("url", ["/o/token/", "/o/introspect/", "/o/revoke_token/"])
def test_without_the_database_the_endpoints_say_to_come_again(client, pair, monkeypatch, url):
    def down(*args, **kwargs):
        raise OperationalError("down")

    monkeypatch.setattr("django.db.backends.utils.CursorWrapper.execute", down)
    data = {"grant_type": "refresh_token", "refresh_token": pair["refresh_token"], "token": "x"}
    answer = client.post(url, data, HTTP_AUTHORIZATION=login())
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json() == {"error": "temporarily_unavailable"}
    assert answer.headers["Cache-Control"] == "no-store"


def test_what_is_no_fault_of_the_database_is_raised(client, pair, monkeypatch):
    def broken(*args, **kwargs):
        raise LookupError("a bug")

    monkeypatch.setattr(OAuth2Validator, "validate_refresh_token", broken)
    with pytest.raises(LookupError):
        refresh(client, pair)
