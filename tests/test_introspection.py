"""Introspection: this server's answers, and the tokens of another server."""

from __future__ import annotations

import base64
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest.mock import patch
from urllib.parse import parse_qs

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.urls import include, path
from oauth2_provider.models import AccessToken, Application
from rest_framework.authentication import SessionAuthentication
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import PUBLIC, grants, guard
from api_guard.access import callers
from api_guard.authentication import IntrospectionAuthentication, OAuth2Authentication
from api_guard.checks import check_introspection, check_introspection_transport, check_toolkit
from api_guard.limits.counters import CounterFault
from api_guard.models import RemoteSubject

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

ISSUER = "https://auth.example"
SECRET = "secret"


@guard(read="notes:read", write=PUBLIC)
class Show(APIView):
    authentication_classes = [IntrospectionAuthentication]

    def get(self, request):
        caller = callers.caller_of(request)
        return Response({"user": caller.user_id, "client": caller.client_id})

    def post(self, request):
        return Response()


@guard(read="notes:read")
class Both(Show):
    authentication_classes = [
        OAuth2Authentication,
        IntrospectionAuthentication,
        SessionAuthentication,
    ]


urlpatterns = [
    path("o/", include("api_guard.oauth2.urls")),
    path("api/show", Show.as_view()),
    path("api/other/show", Show.as_view()),
    path("both", Both.as_view()),
]


# This server answers


@pytest.fixture
def resource_server(settings):
    settings.API_GUARD = {
        **settings.API_GUARD,
        "SCOPES": {**settings.API_GUARD["SCOPES"], "introspection": "Introspect tokens"},
    }
    return Application.objects.create(
        client_id="rs",
        client_secret=SECRET,
        client_type="confidential",
        authorization_grant_type="client-credentials",
    )


def basic(name="rs", secret=SECRET):
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


def introspect(client, token, authorization=None, **data):
    header = {"HTTP_AUTHORIZATION": authorization or basic()}
    return client.post(
        "/o/introspect/", {"token": getattr(token, "token", token), **data}, **header
    )


def test_who_may_introspect_is_a_scope(client, resource_server, issue):
    token = issue("notes:read")
    refused = introspect(client, token)
    assert (refused.status_code, refused.json()["error"]) == (403, "insufficient_scope")
    row = grants.grant("introspection", resource_server, by=grants.System("a test"))
    assert introspect(client, token).json()["active"] is True
    grants.revoke(row, by=grants.System("a test"))
    assert introspect(client, token).status_code == 403


def test_a_public_client_introspects_nothing(client, resource_server, issue):
    grants.grant("introspection", resource_server, by=grants.System("a test"))
    resource_server.client_type = "public"
    resource_server.save()
    assert introspect(client, issue("notes:read")).status_code == 401
    # The toolkit takes a public client of this grant type for authenticated.
    device = "urn:ietf:params:oauth:grant-type:device_code"
    data = {"token": "x", "client_id": "rs", "grant_type": device}
    refused = client.post("/o/introspect/", data)
    assert (refused.status_code, refused.json()) == (401, {"error": "invalid_client"})
    assert refused["WWW-Authenticate"] == 'Basic realm="api"'
    by_token = issue("introspection", to=resource_server)
    refused = introspect(client, "x", f"Bearer {by_token.token}")
    assert (refused.status_code, refused.json()["error"]) == (403, "insufficient_scope")


def test_a_token_that_carries_the_scope_introspects_while_it_is_granted(
    client, resource_server, issue
):
    bearer = f"Bearer {issue('introspection', to=resource_server).token}"
    refused = introspect(client, "x", bearer)
    assert refused.status_code == 403
    assert refused["WWW-Authenticate"] == (
        'Bearer realm="api", error="insufficient_scope", scope="introspection"'
    )
    grants.grant("introspection", resource_server, by=grants.System("a test"))
    assert introspect(client, "x", bearer).json() == {"active": False}
    unknown = introspect(client, "x", "Bearer unknown")
    assert unknown.status_code == 401
    assert 'error="invalid_token"' in unknown["WWW-Authenticate"]


def test_a_wrong_secret_and_no_credential_are_refused(client, resource_server):
    grants.grant("introspection", resource_server, by=grants.System("a test"))
    for authorization in (basic(secret="wrong"), basic("nobody"), "Digest x", "Basic é"):
        assert introspect(client, "x", authorization).status_code == 401
    assert client.post("/o/introspect/", {"token": "x"}).status_code == 401


def test_the_answer_tells_what_the_token_opens_now(
    client, resource_server, alice, application, issue
):
    grants.grant("introspection", resource_server, by=grants.System("a test"))
    rows = [
        grants.grant("notes:read", grantee, by=grants.System("a test"))
        for grantee in (alice, application)
    ]
    token = issue("notes:read notes:write openid", user=alice, resource=["https://api.example/"])
    told = introspect(client, token)
    assert told["Cache-Control"] == "no-store"
    assert told.json() == {
        "active": True,
        "scope": "notes:read openid",
        "token_type": "Bearer",
        "exp": int(token.expires.timestamp()),
        "iat": int(token.created.timestamp()),
        "iss": "http://testserver/o",
        "client_id": application.client_id,
        "sub": str(alice.pk),
        "username": "alice",
        "aud": ["https://api.example/"],
    }
    grants.revoke(rows[0], by=grants.System("a test"))
    assert introspect(client, token).json()["scope"] == "openid"


def test_times_are_told_without_time_zones_too(client, resource_server, issue, settings):
    grants.grant("introspection", resource_server, by=grants.System("a test"))
    settings.USE_TZ = False
    told = introspect(client, issue("notes:read", seconds=300)).json()
    assert 290 <= told["exp"] - time.time() <= 301


def test_a_token_that_is_not_good_is_inactive_and_no_more_is_told(
    client, resource_server, alice, issue
):
    grants.grant("introspection", resource_server, by=grants.System("a test"))
    for token in (issue(seconds=-1), issue(to=None), "unknown", "a b"):
        assert introspect(client, token).json() == {"active": False}
    of_alice = issue("notes:read", user=alice)
    get_user_model().objects.update(is_active=False)
    assert introspect(client, of_alice).json() == {"active": False}


def test_a_token_is_introspected_by_post_alone(client, resource_server):
    grants.grant("introspection", resource_server, by=grants.System("a test"))
    header = {"HTTP_AUTHORIZATION": basic()}
    assert client.get("/o/introspect/", {"token": "x"}, **header).status_code == 405
    assert client.post("/o/introspect/", **header).status_code == 400


# Another server answers


class AuthorizationServer:
    """Answers every question with `answer`, which is a status and a body."""

    def __init__(self):
        self.asked = []
        self.answer = (200, {"active": False})
        self.delay = 0.0
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                server.asked.append((self.headers["Authorization"], parse_qs(body)))
                status, text = server.answer
                data = text if isinstance(text, bytes) else json.dumps(text).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.send_header("Location", "http://127.0.0.1:1/")
                self.end_headers()
                for byte in data if server.delay else [data]:
                    self.wfile.write(bytes([byte]) if server.delay else byte)
                    time.sleep(server.delay)

            def log_message(self, *args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}/introspect"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True)

    @contextmanager
    def running(self):
        self.thread.start()
        try:
            yield self
        finally:
            self.http.shutdown()
            self.http.server_close()
            self.thread.join()


@pytest.fixture
def server(settings):
    from api_guard.tokens import introspection

    with AuthorizationServer().running() as server:
        settings.API_GUARD = {
            **settings.API_GUARD,
            "INTROSPECTION": {
                "URL": server.url,
                "CLIENT_ID": "the api",
                "CLIENT_SECRET": "s:cret",
                "ISSUER": ISSUER,
                "TIMEOUT": 1,
            },
        }
        yield server
        introspection._pool.clear()


@pytest.fixture
def active(server, application):
    """The server knows a token of this client, to which the scope is granted."""
    grants.grant("notes:read", application, by=grants.System("a test"))

    def active(**claims):
        answer = {"active": True, "scope": "notes:read", "client_id": application.client_id}
        server.answer = (200, {**answer, "exp": time.time() + 300, **claims})

    active()
    return active


def call(api, url="/api/show", token="remote"):
    return api.by_token(token).get(url)


def test_a_token_of_another_server_opens_what_is_granted_here(api, server, active, application):
    answer = call(api)
    assert (answer.status_code, answer.json()) == (200, {"user": None, "client": application.pk})
    assert server.asked == [
        (
            "Basic " + base64.b64encode(b"the+api:s%3Acret").decode(),
            {"token": ["remote"], "token_type_hint": ["access_token"]},
        )
    ]
    grants.revoke_all(application, by=grants.System("a test"))
    refused = call(api)
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")


def test_a_subject_is_a_user_by_issuer_and_subject_and_by_nothing_else(
    api, active, alice, bob, application
):
    grants.grant("notes:read", alice, by=grants.System("a test"))
    active(sub="42", username="alice", email="alice@example.com")
    assert call(api).json()["code"] == "invalid_token"
    RemoteSubject.objects.create(issuer="https://elsewhere.example", subject="42", user=bob)
    assert call(api).json()["code"] == "invalid_token"
    RemoteSubject.objects.create(issuer=ISSUER, subject="42", user=alice)
    assert call(api).json() == {"user": alice.pk, "client": application.pk}
    grants.revoke_all(alice, by=grants.System("a test"))
    assert call(api).status_code == 403
    get_user_model().objects.filter(pk=alice.pk).update(is_active=False)
    assert call(api).status_code == 401


@pytest.mark.parametrize("removed", ["the mapping", "the user"])
def test_removing_a_user_or_its_mapping_never_adds_access(api, active, alice, application, removed):
    subject = RemoteSubject.objects.create(issuer=ISSUER, subject="42", user=alice)
    active(sub="42")
    assert call(api).status_code == 403
    (subject if removed == "the mapping" else alice).delete()
    refused = call(api)
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_token")


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({}, 200),
        ({"sub": None}, 200),
        ({"sub": "{client}"}, 200),
        ({"username": "{client}"}, 200),
        ({"sub": "{client}", "username": "service-account-the-api"}, 200),
        ({"sub": ""}, 401),
        ({"sub": "42"}, 401),
        ({"sub": "{client} "}, 401),
        ({"username": "alice"}, 401),
        ({"username": ""}, 401),
        ({"sub": "alice", "username": "{client}"}, 401),
    ],
)
def test_a_client_acts_alone_only_where_the_token_stands_for_nobody_else(
    api, active, alice, application, claims, status
):
    active(
        **{
            name: value and value.replace("{client}", application.client_id)
            for name, value in claims.items()
        }
    )
    assert call(api).status_code == status


def test_a_token_that_stands_for_its_client_is_no_users(api, active, alice, application):
    """A client that could choose its name would be whom that name is mapped to."""
    grants.grant("notes:read", alice, by=grants.System("a test"))
    RemoteSubject.objects.create(issuer=ISSUER, subject=application.client_id, user=alice)
    active(sub=application.client_id)
    assert call(api).json() == {"user": None, "client": application.pk}


def test_a_setting_may_leave_the_tokens_of_unknown_users_to_their_client(
    api, active, application, settings
):
    active(sub="42")
    for value, status in (("refuse", 401), ("client", 200), ("Client", 503), (True, 503)):
        asked = {**settings.API_GUARD["INTROSPECTION"], "UNKNOWN_SUBJECT": value}
        settings.API_GUARD = {**settings.API_GUARD, "INTROSPECTION": asked}
        assert call(api).status_code == status, value


def test_the_other_server_may_be_asked_by_a_bearer_token(api, server, active, settings):
    asked = {**settings.API_GUARD["INTROSPECTION"], "TOKEN": "of the api"}
    settings.API_GUARD = {**settings.API_GUARD, "INTROSPECTION": asked}
    assert call(api).status_code == 503, "a token or a secret, and not both"
    for name in ("CLIENT_ID", "CLIENT_SECRET"):
        del asked[name]
    settings.API_GUARD = {**settings.API_GUARD, "INTROSPECTION": asked}
    assert call(api).status_code == 200
    assert [authorization for authorization, _ in server.asked] == ["Bearer of the api"]


@pytest.mark.parametrize("clientless", ["refuse", "user"])
def test_a_user_without_a_known_client_holds_nothing(api, active, alice, settings, clientless):
    settings.API_GUARD = {**settings.API_GUARD, "CLIENTLESS_TOKENS": clientless}
    grants.grant("notes:read", alice, by=grants.System("a test"))
    RemoteSubject.objects.create(issuer=ISSUER, subject="42", user=alice)
    active(sub="42", client_id="unknown")
    assert call(api).json()["code"] == "insufficient_scope"
    active(sub="42", client_id=None)
    cache.clear()
    assert call(api).status_code == 403
    active(sub="43", client_id="unknown")
    cache.clear()
    assert call(api).json()["code"] == "invalid_token"


def test_a_subject_and_a_client_are_the_same_to_the_letter(api, active, alice, application):
    """As a database without capitals would find them."""
    grants.grant("notes:read", alice, by=grants.System("a test"))
    subject = RemoteSubject(issuer=ISSUER, subject="Bob", user=alice)
    active(sub="bob")
    with patch("api_guard.tokens.remote.RemoteSubject.objects") as found:
        rows = found.using.return_value.filter.return_value.select_related.return_value
        rows.first.return_value = subject
        assert call(api).json()["code"] == "invalid_token"
    active(client_id=application.client_id.swapcase())
    cache.clear()
    manager = patch.object(Application._default_manager, "filter")
    with manager as found:
        found.return_value.first.return_value = application
        assert call(api).json()["code"] == "invalid_token"


def test_an_unusable_client_is_refused(api, active, monkeypatch):
    monkeypatch.setattr(Application, "is_usable", lambda self, request: False)
    assert call(api).json()["code"] == "invalid_token"


@pytest.mark.parametrize(
    "claims",
    [
        {"active": False},
        {"exp": 1},
        {"nbf": 4_000_000_000},
        {"iss": "https://elsewhere.example"},
        {"cnf": {"jkt": "0ZcOCORZNYy"}},
        {"token_type": "DPoP"},
        {"aud": "https://other.example/"},
    ],
)
def test_a_token_that_is_not_good_here_is_invalid(api, active, claims):
    active(**claims)
    refused = call(api)
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_token")
    assert 'error="invalid_token"' in refused["WWW-Authenticate"]
    # And on a public operation too.
    assert api.post("/api/show").status_code == 401


def test_a_token_for_a_part_of_this_api_opens_that_part(api, active, settings):
    audience = ["https://api.example/api/"]
    settings.API_GUARD = {**settings.API_GUARD, "AUDIENCE": audience}
    assert call(api).status_code == 401
    cases = [
        ("https://api.example/api/", "/api/show", 200),
        (["https://x.example/", "https://api.example/api/other"], "/api/other/show", 200),
        ("https://api.example/api/other", "/api/show", 401),
        ("https://api.example/", "/api/show", 401),
        ("https://api.example.evil/api/", "/api/show", 401),
    ]
    for named, url, status in cases:
        active(aud=named)
        cache.clear()
        assert call(api, url).status_code == status, named


@pytest.mark.parametrize(
    "answer",
    [
        (500, {}),
        (401, {"error": "invalid_client"}),
        (302, {"active": True}),
        (200, b"not JSON"),
        (200, b"[" * 60_000),
        (200, b'{"active": true}' + b" " * 70_000),
        (200, []),
        (200, {}),
        (200, {"active": "true"}),
        (200, {"active": 1}),
        (200, {"active": True, "exp": "soon"}),
        (200, {"active": True, "exp": True}),
        (200, b'{"active": true, "exp": Infinity}'),
        (200, {"active": True, "scope": ["notes:read"]}),
        (200, {"active": True, "sub": 42}),
        (200, {"active": True, "aud": [1]}),
        (200, {"active": True, "exp": 10**400}),
        (200, {"active": True, "nbf": -(10**400)}),
        (200, b'{"active": true, "exp": 1' + b"0" * 5_000 + b"}"),
        *(
            (200, {"active": True, name: f"a{text}"})
            for name in ("scope", "client_id", "sub", "username", "iss", "token_type", "aud")
            for text in ("\ud800", "\0")
        ),
    ],
)
def test_an_answer_that_says_neither_yes_nor_no_is_503(api, server, answer, caplog):
    server.answer = answer
    refused = call(api)
    assert (refused.status_code, refused.json()["code"]) == (503, "guard_unavailable")
    assert refused["Retry-After"] == "5"
    assert "remote" not in caplog.text.replace("/remote", "")
    assert "s:cret" not in caplog.text


def test_a_server_that_is_down_or_slow_is_503_within_its_time(api, server, active, settings):
    server.delay = 0.05  # for each byte of the answer
    began = time.monotonic()
    assert call(api).status_code == 503
    assert time.monotonic() - began < 2.5
    asked = {**settings.API_GUARD["INTROSPECTION"], "URL": "http://127.0.0.1:9/"}
    settings.API_GUARD = {**settings.API_GUARD, "INTROSPECTION": asked}
    assert call(api).status_code == 503


def test_nobody_to_ask_is_503(api, settings):
    assert call(api).status_code == 503


def test_an_answer_is_believed_for_a_while_and_never_past_the_token_s_end(
    api, server, active, settings
):
    for _ in range(3):
        assert call(api).status_code == 200
    assert len(server.asked) == 1
    server.answer = (200, {"active": False})
    assert call(api).status_code == 200
    cache.clear()
    assert call(api).status_code == 401

    active(exp=time.time() + 1.5)
    assert call(api, token="short").status_code == 200
    time.sleep(1.6)
    server.answer = (200, {"active": False})
    assert call(api, token="short").status_code == 401

    active(exp=None)
    settings.API_GUARD = {**settings.API_GUARD, "INTROSPECTION_CACHE_SECONDS": 0}
    server.asked.clear()
    for _ in range(2):
        assert call(api, token="uncached").status_code == 200
    assert len(server.asked) == 2


def test_without_the_cache_the_server_is_asked_each_time(api, server, active):
    with patch("api_guard.limits.counters.ask", side_effect=CounterFault("down")):
        for _ in range(2):
            assert call(api).status_code == 200
    assert len(server.asked) == 2
    with (
        patch("api_guard.limits.counters.ask", side_effect=ZeroDivisionError),
        pytest.raises(ZeroDivisionError),
    ):
        call(api)


def test_junk_is_refused_unasked(api, server):
    for junk in ("", "a b", "é", "\x00", "x" * 5000):
        assert call(api, token=junk).status_code == 401
    assert server.asked == []
    api.credentials()
    assert api.post("/api/show").status_code == 200


def test_a_local_and_a_remote_token_live_side_by_side(api, server, active, issue, application):
    assert call(api, "/both").json() == {"user": None, "client": application.pk}
    server.asked.clear()
    assert call(api, "/both", issue("notes:read").token).status_code == 200
    assert server.asked == []
    server.answer = (200, {"active": False})
    assert call(api, "/both", "neither").json()["code"] == "invalid_token"
    server.answer = (500, {})
    assert call(api, "/both", "neither").status_code == 503
    assert AccessToken.objects.count() == 1


# Checks


def ids(messages):
    return [message.id for message in messages]


def test_checks_name_what_is_missing_of_introspection(settings):
    assert ids(check_introspection()) == ["api_guard.E036"]
    asked = {
        "URL": "http://auth.example/",
        "CLIENT_ID": "c",
        "CLIENT_SECRET": "s",
        "ISSUER": ISSUER,
    }
    settings.API_GUARD = {**settings.API_GUARD, "INTROSPECTION": asked}
    assert ids(check_introspection()) == ["api_guard.W035"]
    assert ids(check_introspection_transport()) == ["api_guard.E038"]
    settings.API_GUARD = {
        **settings.API_GUARD,
        "AUDIENCE": ["https://api.example/"],
        "INTROSPECTION": {**asked, "URL": "http://127.0.0.1/"},
    }
    assert [*check_introspection(), *check_introspection_transport()] == []
    settings.OAUTH2_PROVIDER = {"RESOURCE_SERVER_INTROSPECTION_URL": "https://auth.example/"}
    assert ids(check_introspection()) == ["api_guard.E034"]
    settings.API_GUARD["INTROSPECTION"] = {**asked, "URL": "https://auth.example/"}
    assert check_introspection_transport() == []


def test_a_site_without_an_authorization_server_of_its_own_is_left_alone(settings):
    import sys

    settings.OAUTH2_PROVIDER = {}
    settings.API_GUARD = {
        **settings.API_GUARD,
        "INTROSPECTION": {
            "URL": "https://a.example/",
            "CLIENT_ID": "c",
            "CLIENT_SECRET": "s",
            "ISSUER": ISSUER,
        },
    }
    assert ids(check_toolkit()) == ["api_guard.E007", "api_guard.E033"]
    sys.modules["tests.routed_nothing"] = type(sys)("tests.routed_nothing")
    sys.modules["tests.routed_nothing"].urlpatterns = []
    settings.ROOT_URLCONF = "tests.routed_nothing"
    assert check_toolkit() == []
