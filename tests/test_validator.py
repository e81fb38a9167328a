"""The authorization server asks what is granted at every step of a token's life."""

from __future__ import annotations

import base64
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection, connections
from django.http import HttpResponse
from django.test import Client
from django.urls import include, path
from django.utils import timezone
from oauth2_provider.models import (
    AccessToken,
    Application,
    Grant,
    IDToken,
    RefreshToken,
)
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.views import ProtectedResourceView, ScopedProtectedResourceView

from api_guard import grants, tokens
from api_guard.checks import check_decorators
from api_guard.models import RefreshScope
from api_guard.oauth2 import GuardedValidatorMixin, protected_resource, rw_protected_resource
from api_guard.oauth2.toolkit import protected_resource as of_the_toolkit
from tests.authorization import (
    BACK,
    SECRET,
    VERIFIER,
    ask,
    checksum,
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
from tests.authorization import discouraged as discouraged
from tests.authorization import granted as granted
from tests.authorization import in_both_settings as in_both_settings
from tests.authorization import pair as pair
from tests.authorization import web_app as web_app
from tests.authorization import with_oidc as with_oidc

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


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


# Consent


def test_a_page_of_consent_shows_what_both_sides_may_have(client, alice, granted):
    client.force_login(alice)
    shown = ask(client).content.decode()
    assert "Read notes" in shown
    assert "Change notes" in shown
    grants.revoke(granted["user", "notes:write"], by=grants.System("a test"))
    shown = ask(client).content.decode()
    assert "Read notes" in shown
    assert "Change notes" not in shown


def test_a_client_may_not_ask_for_what_it_was_not_granted(client, alice, granted):
    client.force_login(alice)
    grants.revoke(granted["client", "notes:write"], by=grants.System("a test"))
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
    grants.revoke(granted["user", "notes:write"], by=grants.System("a test"))
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
    assert page["Referrer-Policy"] == "same-origin"
    assert page["Cache-Control"] == "no-store"


# Refresh


def test_a_refresh_narrows_and_a_new_grant_undoes_it(client, pair, granted, alice):
    assert pair["scope"] == "notes:read notes:write"
    grants.revoke(granted["user", "notes:write"], by=grants.System("a test"))
    narrowed = refresh(client, pair).json()
    assert narrowed["scope"] == scopes_of(narrowed) == "notes:read"
    again = refresh(client, narrowed).json()
    assert again["scope"] == "notes:read"
    grants.grant("notes:write", alice, by=grants.System("a test"))
    whole = refresh(client, again).json()
    assert whole["scope"] == scopes_of(whole) == "notes:read notes:write"
    last = RefreshToken.objects.get(token_checksum=checksum(whole["refresh_token"]))
    assert not RefreshScope.objects.filter(refresh_token=last).exists()


def test_a_refresh_that_asks_for_less_leaves_the_refresh_token_whole(client, pair, granted):
    less = refresh(client, pair, scope="notes:read").json()
    assert less["scope"] == scopes_of(less) == "notes:read"
    assert refresh(client, less).json()["scope"] == "notes:read notes:write"


def test_a_refresh_never_widens(client, pair, granted, alice, web_app):
    for grantee in (alice, web_app):
        grants.grant("notes:publish", grantee, by=grants.System("a test"))
    assert (
        refresh(client, pair, scope="notes:read notes:publish").json()["error"] == "invalid_scope"
    )
    assert refresh(client, pair).json()["scope"] == "notes:read notes:write"


def test_a_refresh_that_asks_for_what_was_revoked_gets_the_rest(client, pair, granted):
    grants.revoke(granted["client", "notes:write"], by=grants.System("a test"))
    got = refresh(client, pair, scope="notes:read notes:write").json()
    assert got["scope"] == "notes:read"
    only = refresh(client, got, scope="notes:write").json()
    assert only["error"] == "invalid_scope"


def test_a_refresh_of_which_nothing_is_left_is_refused_and_can_be_tried_again(
    client, pair, granted, alice
):
    for scope in ("notes:read", "notes:write"):
        grants.revoke(granted["user", scope], by=grants.System("a test"))
    refused = refresh(client, pair)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")
    grants.grant("notes:read", alice, by=grants.System("a test"))
    assert refresh(client, pair).json()["scope"] == "notes:read"


def test_the_refresh_token_of_an_inactive_user_is_void(client, pair, alice):
    get_user_model().objects.filter(pk=alice.pk).update(is_active=False)
    assert refresh(client, pair).json() == {"error": "invalid_grant"}


def test_a_refresh_token_that_is_not_rotated_stays_whole(client, pair, granted, settings, alice):
    settings.OAUTH2_PROVIDER = {**settings.OAUTH2_PROVIDER, "ROTATE_REFRESH_TOKEN": False}
    grants.revoke(granted["user", "notes:write"], by=grants.System("a test"))
    narrowed = refresh(client, pair).json()
    assert narrowed["refresh_token"] == pair["refresh_token"]
    assert narrowed["scope"] == "notes:read"
    grants.grant("notes:write", alice, by=grants.System("a test"))
    assert refresh(client, pair).json()["scope"] == "notes:read notes:write"


def test_a_replayed_refresh_token_ends_its_family_where_the_toolkit_is_told_to(
    client, pair, settings
):
    settings.OAUTH2_PROVIDER = {**settings.OAUTH2_PROVIDER, "REFRESH_TOKEN_REUSE_PROTECTION": True}
    second = refresh(client, pair).json()
    assert refresh(client, pair).json() == {"error": "invalid_grant"}
    assert refresh(client, second).json() == {"error": "invalid_grant"}
    assert not AccessToken.objects.filter(token_checksum=checksum(second["access_token"])).exists()


# Other ways to a token


def test_a_client_on_its_own_behalf_without_a_grant_gets_no_token(client, web_app):
    web_app.authorization_grant_type = "client-credentials"
    web_app.save()
    assert token(client, "client_credentials").json() == {"error": "invalid_scope"}
    grants.grant("notes:read", web_app, by=grants.System("a test"))
    assert token(client, "client_credentials").json()["scope"] == "notes:read"


@pytest.mark.filterwarnings("ignore:The OAuth 2.0 resource owner:DeprecationWarning")
@pytest.mark.usefixtures("discouraged")
def test_a_password_gives_what_both_sides_may_have(client, alice, web_app, granted):
    web_app.authorization_grant_type = "password"
    web_app.save()
    grants.revoke(granted["user", "notes:write"], by=grants.System("a test"))
    got = token(client, "password", username="alice", password="wonderland")
    assert got.json()["scope"] == "notes:read"


@pytest.mark.usefixtures("discouraged")
@pytest.mark.filterwarnings("ignore:The OAuth 2.0 implicit:DeprecationWarning")
def test_an_implicit_token_carries_what_both_sides_may_have(client, alice, web_app, granted):
    web_app.authorization_grant_type = "implicit"
    web_app.save()
    client.force_login(alice)
    grants.revoke(granted["user", "notes:write"], by=grants.System("a test"))
    page = ask(client, response_type="token")
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.content.decode()))
    back = client.post("/o/authorize/", {**hidden, "scope": "notes:read", "allow": "Authorize"})
    fragment = parse_qs(urlsplit(back["Location"]).fragment)
    assert fragment["scope"] == ["notes:read"]


# Use, at the toolkit's own views


@pytest.mark.parametrize("url", ["/scoped", "/decorated"])
def test_a_revoke_ends_what_the_toolkit_s_own_views_admit(client, pair, granted, url):
    bearer = f"Bearer {pair['access_token']}"
    assert client.get(url, HTTP_AUTHORIZATION=bearer).status_code == 200
    grants.revoke(granted["client", "notes:read"], by=grants.System("a test"))
    assert client.get(url, HTTP_AUTHORIZATION=bearer).status_code == 403
    assert client.get("/plain", HTTP_AUTHORIZATION=bearer).status_code == 200


def test_a_decorator_of_ours_says_what_is_missing(client, pair, granted):
    grants.revoke(granted["user", "notes:read"], by=grants.System("a test"))
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
    assert message.msg.startswith("tests.test_validator.loose, at /loose, uses")


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
    assert "is ignored" in caplog.text


# OpenID Connect


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
    assert "The client Web cannot get an ID token" in caplog.text
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


class MyValidator(GuardedValidatorMixin, OAuth2Validator):
    def get_additional_claims(self, request):
        return {"nickname": "me"}


def test_a_validator_of_one_s_own_takes_the_mixin(client, code, granted, settings):
    settings.OAUTH2_PROVIDER = {
        **settings.OAUTH2_PROVIDER,
        "OAUTH2_VALIDATOR_CLASS": "tests.test_validator.MyValidator",
    }
    grants.revoke(granted["user", "notes:write"], by=grants.System("a test"))
    assert redeem(client, code).json()["scope"] == "notes:read"


def test_prompt_none_is_answered_for_a_visitor(client, granted):
    answer = ask(client, prompt="none")
    assert (answer.status_code, "error=login_required" in answer["Location"]) == (302, True)


def test_what_a_refresh_token_stands_for_says_so(client, pair, granted):
    grants.revoke(granted["user", "notes:write"], by=grants.System("a test"))
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


@pytest.fixture
def grace(settings):
    provider = {**settings.OAUTH2_PROVIDER, "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": 120}
    settings.OAUTH2_PROVIDER = provider


def test_a_retry_in_the_period_of_grace_gets_a_pair_that_works(
    client, pair, grace, alice, in_both_settings
):
    """The one that the first got, or a fresh one where that is stored hashed."""
    second = refresh(client, pair).json()
    third = refresh(client, pair).json()
    is_same = third["access_token"] == second["access_token"]
    assert is_same is (in_both_settings == "as it comes")
    assert live_tokens() == (1, 1)
    fourth = refresh(client, third)
    assert (fourth.status_code, fourth.json()["scope"]) == (200, pair["scope"])
    tokens.revoke_tokens(alice)
    assert refresh(client, pair).json() == {"error": "invalid_grant"}


def test_a_retry_after_the_period_of_grace_gets_nothing(client, pair, grace, settings):
    settings.OAUTH2_PROVIDER = {**settings.OAUTH2_PROVIDER, "ROTATE_REFRESH_TOKEN": True}
    refresh(client, pair)
    RefreshToken.objects.update(revoked=timezone.now() - timedelta(seconds=121))
    assert refresh(client, pair).json() == {"error": "invalid_grant"}


def test_a_retry_loses_nothing_of_what_was_consented_to(client, pair, grace, granted, alice):
    """Though the first got less, because it asked for less or less was granted."""
    for _ in range(2):
        narrowed = refresh(client, pair, scope="notes:read").json()
        assert narrowed["scope"] == "notes:read"
    whole = refresh(client, narrowed).json()
    assert whole["scope"] == "notes:read notes:write"
    grants.revoke(granted["user", "notes:write"], by=grants.System("a test"))
    for _ in range(2):
        narrowed = refresh(client, whole).json()
        assert narrowed["scope"] == "notes:read"
    grants.grant("notes:write", alice, by=grants.System("a test"))
    assert refresh(client, narrowed).json()["scope"] == "notes:read notes:write"


def test_a_pair_that_was_told_to_nobody_is_told_no_more(client, pair, grace, in_both_settings):
    """What a retry got in its place is the only one that works."""
    second, third = refresh(client, pair).json(), refresh(client, pair).json()
    if in_both_settings == "as --deploy asks":
        assert refresh(client, second).json() == {"error": "invalid_grant"}
        assert refresh(client, third).json() == {"error": "invalid_grant"}, "its family has ended"


def test_a_code_that_comes_twice_ends_what_a_retry_got(client, code, grace):
    first = redeem(client, code).json()
    refresh(client, first)
    refresh(client, first)
    assert live_tokens() == (1, 1)
    assert redeem(client, code).json() == {"error": "invalid_grant"}
    assert live_tokens() == (0, 0)


@pytest.mark.parametrize("seconds", [0, 120])
def test_of_two_refreshes_at_once_each_gets_a_pair_or_invalid_grant(
    client, pair, settings, monkeypatch, seconds, in_both_settings
):
    """The second was judged before the first was saved."""
    settings.OAUTH2_PROVIDER = {
        **settings.OAUTH2_PROVIDER,
        "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": seconds,
    }
    saved, answers = OAuth2Validator.save_bearer_token, []

    def late(self, *args, **kwargs):
        monkeypatch.setattr(OAuth2Validator, "save_bearer_token", saved)
        answers.append(refresh(client, pair))
        return saved(self, *args, **kwargs)

    monkeypatch.setattr(OAuth2Validator, "save_bearer_token", late)
    answers.append(refresh(client, pair))
    is_told_twice = seconds or in_both_settings == "as it comes"
    assert [answer.status_code for answer in answers] == [200, 200 if is_told_twice else 400]
    assert live_tokens() == (1, 1)


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite writes one at a time")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seconds", [0, 120])
def test_of_many_refreshes_at_once_none_is_an_error(client, pair, settings, seconds):
    settings.OAUTH2_PROVIDER = {
        **settings.OAUTH2_PROVIDER,
        "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": seconds,
    }

    def one(_):
        try:
            answer = refresh(Client(), pair)
            return answer.status_code, answer.json().get("error")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(16) as pool:
        answers = set(pool.map(one, range(64)))
    assert (200, None) in answers
    assert answers <= {(200, None), (400, "invalid_grant"), (429, "too_many_failures")}
    if seconds:
        assert answers == {(200, None)}
        assert live_tokens() == (1, 1)


def test_the_grant_type_by_which_oauthlib_knows_openid_is_none(client, code):
    answer = token(client, "openid", code=code, redirect_uri=BACK, code_verifier=VERIFIER)
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


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
