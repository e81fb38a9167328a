"""A client that asks for one user never gets a code of another (OpenID Connect Core §3.1.2.2)."""

from __future__ import annotations

import base64
import json
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.urls import include, path
from oauth2_provider.models import AccessToken, Grant, IDToken
from oauth2_provider.oauth2_validators import OAuth2Validator

from api_guard import grants
from api_guard.oauth2 import GuardedValidatorMixin
from tests.authorization import BACK, CHALLENGE, ask, consent, hidden_of, redeem
from tests.authorization import deployed as deployed
from tests.authorization import granted as granted
from tests.authorization import in_both_settings as in_both_settings
from tests.authorization import web_app as web_app
from tests.authorization import with_oidc as with_oidc

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

urlpatterns = [path("o/", include("api_guard.oauth2.urls"))]

MODELS = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def as_alice(client, alice, granted, with_oidc):
    client.force_login(alice, MODELS)
    return client


@pytest.fixture
def hint(as_alice):
    """An ID token of alice."""
    page = ask(as_alice, scope="openid notes:read", nonce="n")
    return redeem(as_alice, consent(as_alice, page)["code"]).json()["id_token"]


def error_of(response):
    assert response.status_code == 302, response.content
    return parse_qs(urlsplit(response["Location"]).query).get("error", [None])[0]


def asks(client, **extra):
    return ask(client, scope="openid notes:read", nonce="n", **extra)


def test_an_id_token_of_the_user_is_a_hint_as_long_as_it_is_signed(as_alice, hint):
    IDToken.objects.all().delete()  # as after the command that clears expired tokens
    assert asks(as_alice, id_token_hint=hint).status_code == 200


@pytest.mark.parametrize("scope", ["openid notes:read", "notes:read"])
def test_the_hint_of_another_user_gets_no_code(client, bob, granted, web_app, hint, scope):
    grants.grant("notes:read", bob, by=grants.System("a test"))
    web_app.skip_authorization = True
    web_app.save()
    client.logout()
    client.force_login(bob, MODELS)
    assert error_of(ask(client, scope=scope, nonce="n", id_token_hint=hint)) == "login_required"
    silent = ask(client, scope=scope, nonce="n", prompt="none", id_token_hint=hint)
    assert error_of(silent) == "login_required"
    assert not Grant.objects.exists()


def test_who_is_asked_to_sign_in_may_do_so_as_the_user_of_the_hint(client, bob, hint):
    client.force_login(bob, MODELS)
    page = asks(client, prompt="login", id_token_hint=hint)
    assert urlsplit(page["Location"]).path == "/accounts/login/"


def test_another_user_who_signed_in_meanwhile_allows_nothing(client, bob, as_alice, hint):
    grants.grant("notes:read", bob, by=grants.System("a test"))
    query = {
        "response_type": "code",
        "client_id": "web",
        "redirect_uri": BACK,
        "scope": "openid notes:read",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "id_token_hint": hint,
    }
    address = f"/o/authorize/?{urlencode(query)}"
    page = as_alice.get(address)
    client.force_login(bob, MODELS)
    back = client.post(address, {**hidden_of(page), "allow": "Authorize"})
    assert error_of(back) == "login_required"
    assert not Grant.objects.exists()


def payload(said):
    parts = [{"alg": "RS256"}, said]
    encoded = [base64.urlsafe_b64encode(json.dumps(each).encode()).decode() for each in parts]
    return ".".join([*(each.rstrip("=") for each in encoded), "c2ln"])


JUNK = [
    "x",
    "a.b.c",
    "a.b.c.d.e",
    "MQ.MQ.MQ",
    "é",
    "[" * 20_000,
    payload(1),
    payload([]),
    payload("aud"),
    payload({}),
    payload({"aud": 5}),
    payload({"aud": [{}]}),
    payload({"aud": "nobody"}),
    payload({"aud": "web"}),
    payload({"aud": "we\0b"}),
    payload({"aud": ["web", "we\0b", 5]}),
    payload({"aud": "we\ud800b"}),
    payload({"aud": {"web": 1}}),
    payload({"aud": "web", "sub": "1", "iss": "http://testserver/o"}),
]


@pytest.mark.parametrize("junk", JUNK)
def test_junk_is_the_hint_of_nobody(as_alice, junk):
    assert error_of(asks(as_alice, id_token_hint=junk)) == "login_required"


@pytest.mark.parametrize("junk", JUNK)
def test_a_logout_with_junk_for_a_hint_is_refused(as_alice, settings, junk):
    settings.OAUTH2_PROVIDER = {
        **settings.OAUTH2_PROVIDER,
        "OIDC_RP_INITIATED_LOGOUT_ENABLED": True,
    }
    assert as_alice.get("/o/logout/", {"id_token_hint": junk}).status_code == 400
    assert as_alice.session.get("_auth_user_id")


def test_a_hint_of_another_issuer_is_that_of_nobody(as_alice, hint, settings):
    settings.OAUTH2_PROVIDER = {
        **settings.OAUTH2_PROVIDER,
        "OIDC_ISS_ENDPOINT": "https://other.example",
    }
    assert error_of(asks(as_alice, id_token_hint=hint)) == "login_required"


def test_without_openid_connect_a_hint_is_a_parameter_that_nobody_knows(client, alice, granted):
    client.force_login(alice, MODELS)
    assert ask(client, id_token_hint="x").status_code == 200


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"id_token": {"sub": {"value": "{alice}"}}}, None),
        ({"id_token": {"sub": {"values": ["0", "{alice}"]}}}, None),
        ({"id_token": {"sub": None, "auth_time": {"essential": True}}}, None),
        ({"userinfo": {"sub": {"essential": True}}, "other": 1}, None),
        ({"id_token": {"sub": {"value": "0"}}}, "login_required"),
        ({"id_token": {"sub": {"value": None}}}, "login_required"),
        ({"userinfo": {"sub": {"values": ["0"]}}}, "login_required"),
        ({"userinfo": {"sub": {"values": "{alice}"}}}, "login_required"),
        ([], "invalid_request"),
        ("text", "invalid_request"),
        (5, "invalid_request"),
    ],
)
@pytest.mark.parametrize("scope", ["openid notes:read", "notes:read"])
def test_claims_may_ask_for_a_subject(as_alice, alice, claims, error, scope):
    said = json.dumps(claims).replace("{alice}", str(alice.pk))
    page = ask(as_alice, scope=scope, nonce="n", claims=said)
    if error is None:
        assert page.status_code == 200
    else:
        assert error_of(page) == error


@pytest.mark.parametrize("claims", ["{", "[" * 20_000, "nope", "\ufffd"])
def test_claims_that_cannot_be_read_are_told_to_the_client(as_alice, claims):
    assert error_of(asks(as_alice, claims=claims)) == "invalid_request"


class OwnSubjects(GuardedValidatorMixin, OAuth2Validator):
    def get_additional_claims(self, request):
        return {"sub": f"user {request.user.pk}"}


def test_a_subject_of_a_validator_of_one_s_own_is_compared(as_alice, alice, settings):
    settings.OAUTH2_PROVIDER = {
        **settings.OAUTH2_PROVIDER,
        "OAUTH2_VALIDATOR_CLASS": f"{__name__}.OwnSubjects",
    }
    for value, status in ((f"user {alice.pk}", 200), (str(alice.pk), 302)):
        claims = json.dumps({"id_token": {"sub": {"value": value}}})
        assert asks(as_alice, claims=claims).status_code == status
    page = asks(as_alice)
    pair = redeem(as_alice, consent(as_alice, page)["code"]).json()
    assert AccessToken.objects.count() == 1
    assert asks(as_alice, id_token_hint=pair["id_token"]).status_code == 200
