"""The page of consent: what it shows, what it obeys, and where it sends the browser."""

from __future__ import annotations

import time
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest
from django.urls import include, path
from oauth2_provider.models import AccessToken, Application, Grant, IDToken, RefreshToken

from api_guard import grants
from tests.authorization import BACK, CHALLENGE, ask, consent, hidden_of, login, redeem, refresh
from tests.authorization import code as code
from tests.authorization import deployed as deployed
from tests.authorization import discouraged as discouraged
from tests.authorization import granted as granted
from tests.authorization import in_both_settings as in_both_settings
from tests.authorization import pair as pair
from tests.authorization import web_app as web_app
from tests.authorization import with_devices as with_devices
from tests.authorization import with_oidc as with_oidc

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

urlpatterns = [path("o/", include("api_guard.oauth2.urls"))]

MODELS = "django.contrib.auth.backends.ModelBackend"
LOOPBACK = "http://127.0.0.1:49152/back"


@pytest.fixture
def signed_in(client, alice, granted):
    client.force_login(alice, MODELS)
    return client


@pytest.fixture
def public_app(web_app):
    web_app.client_type = "public"
    web_app.redirect_uris = f"{BACK} http://127.0.0.1/back com.example.app:/back"
    web_app.save()
    return web_app


def set_provider(settings, **values):
    settings.OAUTH2_PROVIDER = {**settings.OAUTH2_PROVIDER, **values}


def boxes(*scopes):
    return {f"scope:{name}": "1" for name in scopes}


def told(response):
    """What a redirect to the client says."""
    assert response.status_code == 302, response.content
    parts = urlsplit(response["Location"])
    return {name: values[0] for name, values in parse_qs(parts.query or parts.fragment).items()}


# What the page shows


def test_the_page_says_who_asks_whom_for_what_and_where_it_leads(signed_in):
    page = ask(signed_in)
    text = page.content.decode()
    assert page.status_code == 200
    assert "<title>Allow Web?</title>" in text
    for shown in ("alice", "client.example", "Read notes", "Change notes", "width=device-width"):
        assert shown in text
    assert text.count('type="checkbox"') == 2
    assert "<style" not in text
    assert "<script" not in text


def test_names_are_text_on_the_page(signed_in, web_app):
    web_app.name = "<script>alert(1)</script>"
    web_app.save()
    assert "<script>" not in ask(signed_in).content.decode()


@pytest.mark.parametrize(
    ("ticked", "scope"),
    [
        (["notes:read"], "notes:read"),
        (["notes:write"], "notes:write"),
        (["notes:write", "notes:read"], "notes:read notes:write"),
        (["notes:read", "notes:publish", "openid"], "notes:read"),
    ],
)
def test_a_user_allows_less_than_the_client_asks_for(signed_in, ticked, scope):
    """RFC 6749 §3.3: and the client hears what it got."""
    form = {**hidden_of(ask(signed_in)), "allow": "ticked", **boxes(*ticked)}
    back = told(signed_in.post("/o/authorize/", form))
    pair = redeem(signed_in, back["code"]).json()
    assert pair["scope"] == scope
    assert refresh(signed_in, pair).json()["scope"] == scope, "nor more by a refresh"


def test_who_allows_nothing_has_declined(signed_in):
    form = {**hidden_of(ask(signed_in)), "allow": "ticked"}
    assert told(signed_in.post("/o/authorize/", form))["error"] == "access_denied"
    assert not Grant.objects.exists()


@pytest.mark.usefixtures("with_oidc")
def test_a_sign_in_stays_a_sign_in_whatever_is_ticked(signed_in):
    page = ask(signed_in, scope="openid email notes:read", nonce="n")
    assert 'name="scope:openid" value="1" checked disabled' in page.content.decode()
    form = {**hidden_of(page), "allow": "ticked", **boxes("notes:read")}
    pair = redeem(signed_in, told(signed_in.post("/o/authorize/", form))["code"]).json()
    assert pair["scope"] == "openid notes:read"
    assert pair["id_token"]


def test_an_error_is_a_page_of_its_own(signed_in):
    page = ask(signed_in, client_id="nobody")
    assert page.status_code == 400
    assert "<title>This request was refused</title>" in page.content.decode()
    assert "invalid_request" in page.content.decode()


@pytest.mark.parametrize("left_out", ["client_id", "redirect_uri", "scope", "response_type"])
def test_a_form_that_the_page_did_not_write_is_refused(signed_in, left_out):
    form = {**hidden_of(ask(signed_in)), "allow": "ticked", **boxes("notes:read")}
    del form[left_out]
    assert signed_in.post("/o/authorize/", form).status_code == 400
    assert not Grant.objects.exists()


# Where it leads


@pytest.mark.parametrize("uri", [BACK, LOOPBACK, "com.example.app:/back"])
def test_an_error_names_its_issuer_as_a_code_does(signed_in, public_app, settings, uri):
    """RFC 9207 §2: both, or a client cannot tell who refused."""
    set_provider(
        settings,
        COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS=True,
        ALLOWED_REDIRECT_URI_SCHEMES=["http", "https", "com.example.app"],
    )
    page = ask(signed_in, redirect_uri=uri)
    declined = told(signed_in.post("/o/authorize/", hidden_of(page)))
    assert (declined["error"], declined["state"]) == ("access_denied", "s")
    refused = told(ask(signed_in, redirect_uri=uri, response_type="nonsense"))
    silent = told(ask(signed_in, redirect_uri=uri, prompt="none"))
    allowed = consent(signed_in, ask(signed_in, redirect_uri=uri))
    signed_in.logout()
    anonymous = told(ask(signed_in, redirect_uri=uri, prompt="none"))
    answers = (declined, refused, silent, allowed, anonymous)
    assert {answer["iss"] for answer in answers} == {"http://testserver/o"}


def test_what_an_address_says_of_an_issuer_is_left_out(signed_in, web_app, settings):
    set_provider(settings, COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS=True)
    web_app.redirect_uris = f"{BACK}?iss=https%3A%2F%2Fevil.example&a=1"
    web_app.save()
    page = ask(signed_in, redirect_uri=web_app.redirect_uris)
    assert page.status_code == 200, page.content
    declined = signed_in.post("/o/authorize/", hidden_of(page))
    query = parse_qsl(urlsplit(declined["Location"]).query)
    assert [value for name, value in query if name == "iss"] == ["http://testserver/o"]
    assert ("a", "1") in query


@pytest.mark.parametrize("is_named", [True, False])
@pytest.mark.parametrize(
    ("uri", "is_tls_only", "is_allowed"),
    [
        ("http://client.example/back", True, False),
        ("http://client.example/back", False, True),
        ("http://127.0.0.1/back", True, True),
        ("http://localhost:3000/back", True, True),
        ("http://[::1]/back", True, True),
        (BACK, True, True),
    ],
)
def test_no_code_is_sent_in_clear_but_to_the_user_s_own_machine(
    signed_in, web_app, settings, uri, is_tls_only, is_allowed, is_named
):
    settings.SECURE_SSL_REDIRECT = is_tls_only
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    signed_in.defaults["HTTP_X_FORWARDED_PROTO"] = "https"
    web_app.redirect_uris = uri
    web_app.save()
    query = {
        "response_type": "code",
        "client_id": "web",
        "scope": "notes:read",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **({"redirect_uri": uri} if is_named else {}),
    }
    page = signed_in.get("/o/authorize/", query)
    assert page.status_code == (200 if is_allowed else 400)
    form = {
        **query,
        "redirect_uri": uri,
        "allow": "ticked",
        **boxes("notes:read"),
    }
    assert signed_in.post("/o/authorize/", form).status_code == (302 if is_allowed else 400)


# What it obeys


def has_consented(client, user, app, scope="notes:read notes:write"):
    from django.utils import timezone

    AccessToken.objects.create(
        user=user,
        application=app,
        scope=scope,
        token="kept",
        expires=timezone.now() + timezone.timedelta(hours=1),
    )


@pytest.mark.parametrize("asked", [{}, {"approval_prompt": "auto"}, {"approval_prompt": "x"}])
def test_a_client_cannot_spare_a_consent_that_the_settings_force(signed_in, alice, web_app, asked):
    has_consented(signed_in, alice, web_app)
    assert ask(signed_in, **asked).status_code == 200


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({}, 302),
        ({"approval_prompt": "auto"}, 302),
        ({"approval_prompt": "force"}, 200),
        ({"prompt": "consent"}, 200),
        ({"scope": "notes:read"}, 302),
    ],
)
def test_a_setting_spares_a_consent_that_was_given(
    signed_in, alice, web_app, settings, asked, status
):
    set_provider(settings, REQUEST_APPROVAL_PROMPT="auto")
    assert ask(signed_in, **asked).status_code == 200
    has_consented(signed_in, alice, web_app)
    assert ask(signed_in, **asked).status_code == status


@pytest.mark.parametrize(
    ("uri", "status"), [(BACK, 302), (LOOPBACK, 200), ("com.example.app:/back", 200)]
)
def test_no_consent_is_spared_where_any_program_may_be_the_client(
    signed_in, alice, public_app, settings, uri, status
):
    """RFC 8252 §8.6: nobody knows who listens there."""
    set_provider(
        settings,
        REQUEST_APPROVAL_PROMPT="auto",
        ALLOWED_REDIRECT_URI_SCHEMES=["http", "https", "com.example.app"],
    )
    has_consented(signed_in, alice, public_app)
    assert ask(signed_in, redirect_uri=uri).status_code == status
    assert ask(signed_in, redirect_uri=uri, approval_prompt="auto").status_code == status


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"request": "eyJ.eyJ."}, "request_not_supported"),
        ({"request_uri": "https://client.example/r"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_mode": "query.jwt"}, "invalid_request"),
        ({"prompt": "whatever"}, "invalid_request"),
        ({"prompt": "none login"}, "login_required"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "1.5"}, "invalid_request"),
        ({"max_age": "9" * 5000}, "invalid_request"),
        ({"max_age": "١"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"prompt": "none"}, "consent_required"),
    ],
)
def test_what_is_not_done_is_said(signed_in, asked, error):
    assert told(ask(signed_in, **asked))["error"] == error


@pytest.mark.usefixtures("with_oidc")
@pytest.mark.parametrize("scope", ["openid notes:read", "notes:read"])
def test_a_silent_request_shows_no_page(client, alice, granted, settings, web_app, scope):
    anonymous = told(ask(client, scope=scope, nonce="n", prompt="none"))
    assert (anonymous["error"], anonymous["state"]) == ("login_required", "s")
    client.force_login(alice, MODELS)
    assert told(ask(client, scope=scope, nonce="n", prompt="none"))["error"] == "consent_required"
    web_app.skip_authorization = True
    web_app.save()
    assert "code" in told(ask(client, scope=scope, nonce="n", prompt="none"))


@pytest.mark.parametrize(
    "asked", [{"response_mode": "query"}, {"response_mode": ""}, {"max_age": ""}]
)
def test_what_is_done_anyway_may_be_asked_for(signed_in, asked):
    assert ask(signed_in, **asked).status_code == 200


def signed_in_ago(client, seconds):
    session = client.session
    session["api_guard_signed_in_at"] = time.time() - seconds
    session.save()


@pytest.mark.parametrize(
    ("seconds", "max_age", "is_enough"),
    [(10, "60", True), (61, "60", False), (0, "0", False), (10**6, "9999999999", True)],
)
def test_a_sign_in_may_not_be_older_than_the_client_asks(signed_in, seconds, max_age, is_enough):
    signed_in_ago(signed_in, seconds)
    page = ask(signed_in, max_age=max_age)
    if is_enough:
        assert page.status_code == 200
        return
    assert urlsplit(page["Location"]).path == "/accounts/login/"
    assert told(ask(signed_in, max_age=max_age, prompt="none"))["error"] == "login_required"


def test_a_session_that_does_not_say_when_it_began_is_too_old(signed_in):
    session = signed_in.session
    del session["api_guard_signed_in_at"]
    session.save()
    assert ask(signed_in, max_age="3600").status_code == 302


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ({"prompt": "login"}, {}),
        ({"prompt": "login consent"}, {"prompt": "consent"}),
        ({"prompt": "select_account"}, {}),
        ({"max_age": "0"}, {}),
        ({"max_age": "00", "prompt": "login"}, {}),
    ],
)
def test_after_a_sign_in_the_same_question_is_asked_once(signed_in, alice, asked, left):
    resource = ["https://one.example/", "https://two.example/"]
    page = ask(signed_in, **asked, resource=resource)
    again = parse_qs(urlsplit(page["Location"]).query)["next"][0]
    query = parse_qs(urlsplit(again).query)
    assert query["resource"] == resource
    assert {name: query[name][0] for name in ("prompt", "max_age") if name in query} == left
    signed_in.force_login(alice, MODELS)
    assert signed_in.get(again).status_code == 200


@pytest.mark.parametrize("asked", [{"prompt": "login"}, {"max_age": "60"}, {"max_age": "0"}])
def test_a_login_page_that_sends_back_who_is_signed_in_does_not_satisfy_it(signed_in, alice, asked):
    """`LoginView(redirect_authenticated_user=True)`: else it is a loop, or no sign-in at all."""
    signed_in_ago(signed_in, 100)
    again = parse_qs(urlsplit(ask(signed_in, **asked)["Location"]).query)["next"][0]
    assert "_auth_user_id" in signed_in.session
    page = signed_in.get(again)
    assert urlsplit(page["Location"]).path == "/accounts/login/"
    assert "_auth_user_id" not in signed_in.session
    again = parse_qs(urlsplit(page["Location"]).query)["next"][0]
    signed_in.force_login(alice, MODELS)
    assert signed_in.get(again).status_code == 200


def test_a_sign_in_that_was_asked_for_long_ago_is_forgotten(signed_in):
    ask(signed_in, prompt="login")
    session = signed_in.session
    session["api_guard_sign_in_wanted_at"] -= 601
    session["api_guard_signed_in_at"] -= 1000
    session.save()
    assert ask(signed_in).status_code == 200


@pytest.mark.parametrize(
    ("login_url", "next_begins"),
    [("/accounts/login/", "/o/authorize/"), ("https://sso.example/login", "http://testserver/o/")],
)
@pytest.mark.parametrize("asked", [{}, {"prompt": "login"}, {"max_age": "0"}])
def test_a_login_page_elsewhere_is_told_where_to_come_back_to(
    client, alice, granted, settings, login_url, next_begins, asked
):
    settings.LOGIN_URL = login_url
    anonymous = ask(client, **asked)
    client.force_login(alice, MODELS)
    for page in [anonymous, *([ask(client, **asked)] if asked else [])]:
        assert page["Location"].startswith(login_url)
        assert parse_qs(urlsplit(page["Location"]).query)["next"][0].startswith(next_begins)


@pytest.mark.parametrize(
    "asked", [{"prompt": "login"}, {"prompt": "select_account"}, {"max_age": "0"}, {}]
)
def test_who_is_not_signed_in_signs_in_once(client, alice, granted, asked):
    again = parse_qs(urlsplit(ask(client, **asked)["Location"]).query)["next"][0]
    client.force_login(alice, MODELS)
    assert client.get(again).status_code == 200


@pytest.mark.parametrize(("max_age", "status"), [("60", 302), ("600", 302), ("junk", 302)])
def test_a_page_that_was_left_open_for_long_asks_again(signed_in, max_age, status):
    page = ask(signed_in)
    signed_in_ago(signed_in, 100)
    form = {**hidden_of(page), "allow": "ticked", **boxes("notes:read")}
    answer = signed_in.post(f"/o/authorize/?max_age={max_age}", form)
    assert answer.status_code == status
    assert ("/accounts/login/" in answer["Location"]) is (max_age == "60")


def test_an_old_sign_in_is_asked_for_until_it_is_new(signed_in, alice):
    signed_in_ago(signed_in, 100)
    again = parse_qs(urlsplit(ask(signed_in, max_age="60")["Location"]).query)["next"][0]
    assert signed_in.get(again).status_code == 302
    signed_in.force_login(alice, MODELS)
    assert signed_in.get(again).status_code == 200


# Parameters and clients


@pytest.mark.parametrize(
    "name", ["client_id", "scope", "state", "code_challenge", "nonce", "prompt", "max_age", "x"]
)
def test_a_parameter_that_comes_twice_is_refused(signed_in, name):
    """RFC 6749 §3.1: for who checks one may use the other."""
    page = ask(signed_in, **{name: ["a", "b"]})
    assert (page.status_code, page.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "endpoint", ["token", "introspect", "revoke_token", "device-authorization"]
)
@pytest.mark.parametrize("name", ["grant_type", "token", "code", "scope", "client_id"])
def test_a_parameter_of_an_endpoint_that_comes_twice_is_refused(client, db, endpoint, name):
    answer = client.post(f"/o/{endpoint}/", {name: ["a", "a"]})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
def test_a_client_is_known_by_its_secret_however_the_scheme_is_written(
    client, pair, web_app, scheme
):
    header = login().replace("Basic", scheme)
    data = {"grant_type": "refresh_token", "refresh_token": pair["refresh_token"]}
    assert client.post("/o/token/", data, HTTP_AUTHORIZATION=header).status_code == 200


def test_an_empty_parameter_was_not_sent(client, pair, web_app):
    """RFC 6749 §3.2: clients that fill in a form send them."""
    data = {"grant_type": "refresh_token", "refresh_token": pair["refresh_token"]}
    answer = client.post("/o/token/", {**data, "client_secret": ""}, HTTP_AUTHORIZATION=login())
    assert answer.status_code == 200


@pytest.mark.parametrize("endpoint", ["token", "introspect", "revoke_token"])
@pytest.mark.parametrize("field", ["Bearer x", "Digest x", "Basic\tx", "junk", login()])
@pytest.mark.parametrize("name", ["client_secret", "client_assertion"])
def test_one_request_has_one_credential_of_its_client(client, web_app, endpoint, field, name):
    """RFC 6749 §2.3: whatever the header is, a secret in the body is a second credential."""
    data = {"grant_type": "refresh_token", "refresh_token": "x", "token": "x", "client_id": "web"}
    answer = client.post(f"/o/{endpoint}/", {**data, name: "secret"}, HTTP_AUTHORIZATION=field)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    both = {**data, "client_secret": "secret", "client_assertion": "x"}
    answer = client.post(f"/o/{endpoint}/", both)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("endpoint", ["token", "introspect", "revoke_token"])
def test_the_header_and_the_body_name_the_same_client(client, web_app, endpoint):
    web_app.authorization_grant_type = "client-credentials"
    web_app.save()
    grants.grant("notes:read", web_app, by=grants.System("a test"))
    data = {"grant_type": "client_credentials", "token": "x", "client_id": "other"}
    answer = client.post(f"/o/{endpoint}/", data, HTTP_AUTHORIZATION=login())
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    data["client_id"] = "web"
    answer = client.post(f"/o/{endpoint}/", data, HTTP_AUTHORIZATION=login("%77eb"))
    assert answer.status_code == (403 if endpoint == "introspect" else 200)


@pytest.mark.usefixtures("with_devices")
@pytest.mark.parametrize(
    ("query", "body"),
    [("?client_id=web", {"scope": "notes:read"}), ("", {"scope": "notes:read"}), ("", {})],
)
def test_a_device_that_does_not_name_its_client_is_refused(client, web_app, query, body):
    web_app.client_type = "public"
    web_app.authorization_grant_type = "urn:ietf:params:oauth:grant-type:device_code"
    web_app.save()
    answer = client.post(f"/o/device-authorization/{query}", body)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.usefixtures("with_oidc", "discouraged")
@pytest.mark.filterwarnings("ignore:The OAuth 2.0:DeprecationWarning")
def test_without_a_code_a_client_without_a_grant_gets_no_token(client, alice, web_app):
    web_app.authorization_grant_type = "password"
    web_app.save()
    data = {"grant_type": "password", "username": "alice", "password": "wonderland"}
    answer = client.post("/o/token/", {**data, "scope": "openid"}, HTTP_AUTHORIZATION=login())
    assert answer.json()["error"] == "invalid_scope"
    web_app.authorization_grant_type = "implicit"
    web_app.save()
    client.force_login(alice, MODELS)
    page = ask(client, scope="openid", response_type="id_token token", nonce="n")
    assert told(page)["error"] == "invalid_scope"
    grants.grant("notes:read", web_app, by=grants.System("a test"))
    page = ask(client, scope="openid", response_type="id_token token", nonce="n")
    assert page.status_code == 200


@pytest.mark.parametrize("endpoint", ["token", "revoke_token"])
def test_a_token_that_was_tried_where_none_is_taken_is_challenged_by_basic(
    client, web_app, endpoint
):
    data = {"grant_type": "refresh_token", "refresh_token": "x", "token": "x", "client_id": "web"}
    refused = client.post(f"/o/{endpoint}/", data, HTTP_AUTHORIZATION="Bearer x")
    assert (refused.status_code, refused["WWW-Authenticate"]) == (401, 'Basic realm="api"')


@pytest.mark.parametrize("endpoint", ["token", "introspect", "revoke_token"])
@pytest.mark.parametrize(
    "said",
    [
        {"HTTP_AUTHORIZATION": login(secret="wrong")},
        {"HTTP_AUTHORIZATION": login(secret="wrong").replace("Basic", "basic")},
        {"HTTP_AUTHORIZATION": "Digest x"},
        {},
    ],
)
def test_a_wrong_client_is_challenged_by_a_scheme_that_it_can_answer(
    client, web_app, endpoint, said
):
    """RFC 6749 §5.2."""
    data = {"grant_type": "refresh_token", "refresh_token": "x", "token": "x", "client_id": "web"}
    refused = client.post(f"/o/{endpoint}/", data, **said)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert refused["WWW-Authenticate"] == 'Basic realm="api"'


@pytest.mark.usefixtures("with_oidc")
@pytest.mark.parametrize(
    ("scope", "got"),
    [("openid", None), ("openid email", None), ("notes:read openid", "notes:read")],
)
def test_a_client_alone_signs_nobody_in(client, web_app, scope, got):
    web_app.authorization_grant_type = "client-credentials"
    web_app.save()
    if got:
        grants.grant("notes:read", web_app, by=grants.System("a test"))
    data = {"grant_type": "client_credentials", "scope": scope}
    answer = client.post("/o/token/", data, HTTP_AUTHORIZATION=login())
    if got is None:
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
        assert not AccessToken.objects.exists()
    else:
        assert answer.json()["scope"] == got


@pytest.mark.usefixtures("with_oidc")
@pytest.mark.parametrize("token", ["good", "bad", None])
def test_what_the_userinfo_endpoint_says_is_json(signed_in, token):
    pair = redeem(
        signed_in, consent(signed_in, ask(signed_in, scope="openid", nonce="n"))["code"]
    ).json()
    header = {"good": f"Bearer {pair['access_token']}", "bad": "Bearer junk"}.get(token)
    answer = signed_in.get("/o/userinfo/", **({"HTTP_AUTHORIZATION": header} if header else {}))
    assert answer["Content-Type"] == "application/json"
    assert answer.json()
    assert answer.status_code == (200 if token == "good" else 401)
    # RFC 6750 §3.1: who has sent no token has made no error.
    assert ('error="invalid_token"' in answer.headers.get("WWW-Authenticate", "")) is (
        token == "bad"
    )


# Signing out


@pytest.fixture
def other_app(web_app):
    return Application.objects.create(
        name="Other",
        client_id="other",
        client_secret="other",
        client_type="confidential",
        authorization_grant_type="authorization-code",
        redirect_uris="https://other.example/back",
        algorithm="RS256",
    )


@pytest.fixture
def id_token(signed_in, alice, other_app, settings, with_oidc):
    """What the first client knows; the user has tokens at another one, too."""
    set_provider(settings, OIDC_RP_INITIATED_LOGOUT_ENABLED=True)
    has_consented(signed_in, alice, other_app)
    page = ask(signed_in, scope="openid notes:read", nonce="n")
    pair = redeem(signed_in, consent(signed_in, page)["code"]).json()
    assert IDToken.objects.count() == 1
    return pair["id_token"]


def owners():
    return sorted(AccessToken.objects.values_list("application__client_id", flat=True))


@pytest.mark.parametrize("is_named", [True, False])
def test_without_a_session_a_logout_ends_no_token_of_another_client(client, id_token, is_named):
    """An ID token travels in addresses."""
    assert owners() == ["other", "web"]
    client.logout()
    query = {"id_token_hint": id_token, **({"client_id": "web"} if is_named else {})}
    assert client.get("/o/logout/", query).status_code == 302
    assert owners() == ["other"]
    assert not RefreshToken.objects.filter(revoked__isnull=True).exists()


@pytest.mark.parametrize("allow", ["1", ""])
def test_another_user_ends_its_own_session_and_no_token_of_the_owner(
    client, bob, id_token, settings, allow
):
    """Whoever has an account could else do what nobody without one can."""
    client.logout()
    client.force_login(bob, MODELS)
    client.post("/o/logout/", {"id_token_hint": id_token, "allow": allow})
    assert owners() == ["other", "web"]
    assert ("_auth_user_id" in client.session) is (allow == "")


def test_without_a_session_a_logout_ends_nothing_where_the_settings_say_so(
    client, id_token, settings
):
    set_provider(settings, OIDC_RP_INITIATED_LOGOUT_DELETE_TOKENS=False)
    client.logout()
    assert client.get("/o/logout/", {"id_token_hint": id_token}).status_code == 302
    assert owners() == ["other", "web"]


def test_who_is_signed_in_signs_out_everywhere(client, id_token, settings):
    set_provider(settings, OIDC_RP_INITIATED_LOGOUT_ALWAYS_PROMPT=False)
    assert client.get("/o/logout/", {"id_token_hint": id_token}).status_code == 302
    assert owners() == []
    assert "_auth_user_id" not in client.session


def test_a_logout_of_nobody_for_nobody_ends_nothing(client, id_token):
    client.logout()
    assert client.get("/o/logout/").status_code == 302
    assert client.get("/o/logout/", {"client_id": "web"}).status_code == 302
    assert owners() == ["other", "web"]
    assert get_user_model().objects.exists()


def test_an_address_that_cannot_be_decoded_is_refused(signed_in):
    query = urlencode({"client_id": "web", "response_type": "code", "redirect_uri": BACK})
    for tail in ("&state=%zz", "&state=%", "&state=%C3", "&scope=%00"):
        assert signed_in.get(f"/o/authorize/?{query}{tail}").status_code in (302, 400)


def test_a_sign_in_without_a_session_is_none_of_a_browser(alice):
    answers = user_logged_in.send_robust(sender=type(alice), request=HttpRequest(), user=alice)
    assert not [error for _, error in answers if isinstance(error, AttributeError)]
