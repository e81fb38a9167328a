"""Who asks, and what it effectively holds: every row of the table, over a real request."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import models
from django.urls import include, path
from django.utils import timezone
from oauth2_provider.contrib.rest_framework import OAuth2Authentication as ToolkitAuthentication
from oauth2_provider.models import (
    AccessToken,
    Application,
    RefreshToken,
    get_access_token_model,
)
from rest_framework.authentication import (
    BaseAuthentication,
    BasicAuthentication,
    SessionAuthentication,
    TokenAuthentication,
)
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import PUBLIC, grants, guard
from api_guard.access import callers
from api_guard.authentication import OAuth2Authentication
from api_guard.checks.credentials import check_clientless_tokens
from api_guard.models import recorded
from api_guard.permissions import HasScopes

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

CODE = "code"
FORM = "application/x-www-form-urlencoded"


class SaysNothing(BaseAuthentication):
    def authenticate(self, request):
        name = request.META.get("HTTP_X_USER")
        return (get_user_model().objects.get(username=name), None) if name else None


class MySession(SessionAuthentication):
    pass


class Show(APIView):
    authentication_classes = [
        OAuth2Authentication,
        SessionAuthentication,
        BasicAuthentication,
        TokenAuthentication,
        SaysNothing,
    ]

    def get(self, request):
        caller = callers.caller_of(request)
        assert callers.caller_of(request) is caller
        return Response(
            {
                "scopes": sorted(caller.scopes),
                "user": caller.user_id,
                "client": caller.client_id,
                "key": callers.throttle_key(request),
                "anonymous": request.user.is_anonymous,
            }
        )


show = guard(read=PUBLIC)(Show)


class Twice(Show):
    """What is left of the caller's grants is read with its second requirement."""

    permission_classes = [HasScopes("notes:read"), HasScopes("notes:write")]


urlpatterns = [
    path("show", show.as_view()),
    path("twice", Twice.as_view()),
    path("reversed", show.as_view(authentication_classes=[SessionAuthentication])),
    path("my-session", show.as_view(authentication_classes=[MySession])),
    path("toolkit", show.as_view(authentication_classes=[ToolkitAuthentication])),
]


@pytest.fixture
def granted(alice, application):
    """One signed-in user and one client, each with a scope of its own and one in common."""
    grants.grant("notes:read", alice, by=grants.System("a test"))
    grants.grant("notes:write", alice, by=grants.System("a test"))
    grants.grant("notes:read", application, by=grants.System("a test"))
    grants.grant("notes:publish", application, by=grants.System("a test"))
    group = Group.objects.create(name="auditors")
    alice.groups.add(group)
    grants.grant("audit:read", group, by=grants.System("a test"))
    grants.grant("audit:read", application, by=grants.System("a test"))


ALL = "notes:read notes:write notes:publish audit:read openid"


def scopes(response):
    assert response.status_code == 200, response.content
    return response.json()["scopes"]


def test_a_session_has_what_was_granted_to_the_user_and_its_groups(api, alice, granted):
    shown = api.by_session(alice).get("/show")
    assert scopes(shown) == ["audit:read", "notes:read", "notes:write"]
    assert shown.json()["key"] == f"user:{alice.pk}"


def test_basic_and_drf_tokens_have_it_too(api, alice, granted):
    everything = ["audit:read", "notes:read", "notes:write"]
    api.credentials(HTTP_AUTHORIZATION="Basic YWxpY2U6d29uZGVybGFuZA==")
    assert scopes(api.get("/show")) == everything
    api.credentials(HTTP_AUTHORIZATION=f"Token {Token.objects.create(user=alice).key}")
    assert scopes(api.get("/show")) == everything


def test_a_user_token_has_what_token_user_and_client_have_in_common(api, alice, issue, granted):
    shown = api.by_token(issue(ALL, user=alice)).get("/show")
    assert scopes(shown) == ["audit:read", "notes:read"]
    assert shown.json()["key"] == f"user:{alice.pk}"
    assert scopes(api.by_token(issue("notes:read", user=alice)).get("/show")) == ["notes:read"]
    assert scopes(api.by_token(issue("notes:write", user=alice)).get("/show")) == []
    assert scopes(api.by_token(issue("notes:publish", user=alice)).get("/show")) == []


def test_after_two_requirements_all_scopes_are_known(api, alice, granted):
    for scope in ("notes:read", "notes:write", "audit:read"):
        grants.ensure(scope, alice, by=grants.System("a test"))
    told = api.by_session(alice).get("/twice")
    assert told.status_code == 200, told.json()
    assert set(told.json()["scopes"]) >= {"notes:read", "notes:write", "audit:read"}


def test_a_user_token_of_another_client_has_nothing_of_the_first(api, alice, issue, granted):
    other = Application.objects.create(
        client_type="public", authorization_grant_type="authorization-code"
    )
    assert scopes(api.by_token(issue(ALL, user=alice, to=other)).get("/show")) == []


def test_a_user_token_of_no_client_has_nothing(api, alice, issue, granted):
    assert scopes(api.by_token(issue(ALL, user=alice, to=None)).get("/show")) == []


def test_a_user_token_of_no_client_is_the_user_s_where_the_settings_say_so(
    api, alice, issue, granted, settings
):
    settings.API_GUARD = {**settings.API_GUARD, "CLIENTLESS_TOKENS": "user"}
    shown = api.by_token(issue(ALL, user=alice, to=None)).get("/show")
    assert scopes(shown) == ["audit:read", "notes:read", "notes:write"]
    assert shown.json()["key"] == f"user:{alice.pk}"
    assert scopes(api.by_token(issue("notes:write", user=alice, to=None)).get("/show")) == [
        "notes:write"
    ]
    assert scopes(api.by_token(issue("", user=alice, to=None)).get("/show")) == []
    settings.API_GUARD = {**settings.API_GUARD, "CLIENTLESS_TOKENS": "yes"}
    assert scopes(api.get("/show")) == []


@pytest.mark.parametrize(
    ("on_delete", "is_taken"),
    [
        (models.CASCADE, True),
        (models.PROTECT, True),
        (models.RESTRICT, True),
        (models.SET_NULL, False),
        (models.SET_DEFAULT, False),
        (models.SET(None), False),
        (models.DO_NOTHING, False),
    ],
)
def test_a_token_that_may_have_lost_its_client_is_not_a_personal_one(
    api, alice, issue, granted, settings, monkeypatch, on_delete, is_taken
):
    settings.API_GUARD = {**settings.API_GUARD, "CLIENTLESS_TOKENS": "user"}
    relation = get_access_token_model()._meta.get_field("application").remote_field
    monkeypatch.setattr(relation, "on_delete", on_delete)
    shown = scopes(api.by_token(issue(ALL, user=alice, to=None)).get("/show"))
    assert bool(shown) is is_taken
    assert [each.id for each in check_clientless_tokens()] == ["api_guard.E088"] * (not is_taken)
    settings.API_GUARD = {**settings.API_GUARD, "CLIENTLESS_TOKENS": "refuse"}
    assert check_clientless_tokens() == []


def test_a_token_of_a_client_is_never_personal(api, alice, issue, granted, settings):
    settings.API_GUARD = {**settings.API_GUARD, "CLIENTLESS_TOKENS": "user"}
    shown = api.by_token(issue(ALL, user=alice)).get("/show")
    assert scopes(shown) == ["audit:read", "notes:read"]


def test_a_client_credentials_token_has_what_token_and_client_have(api, issue, granted):
    shown = api.by_token(issue(ALL)).get("/show")
    assert scopes(shown) == ["audit:read", "notes:publish", "notes:read"]
    assert shown.json()["user"] is None
    assert shown.json()["anonymous"] is True
    assert shown.json()["key"] == f"client:{shown.json()['client']}"
    assert scopes(api.by_token(issue("notes:write")).get("/show")) == []


def test_an_authenticator_that_says_no_scopes_has_none(api, alice, granted):
    shown = api.get("/show", HTTP_X_USER="alice")
    assert scopes(shown) == []
    assert shown.json()["user"] == alice.pk
    api.by_session(alice)
    assert scopes(api.get("/my-session")) == []
    api.logout()
    assert scopes(api.get("/toolkit")) == []


def test_an_authenticator_is_listed_by_any_name_it_has(api, alice, granted, settings):
    listed = ["nowhere.at.All", "tests.test_callers.MySession"]
    settings.API_GUARD = {**settings.API_GUARD, "UNSCOPED_AUTHENTICATION": listed}
    assert scopes(api.by_session(alice).get("/my-session")) != []
    assert scopes(api.get("/reversed")) == []
    import tests.conftest

    tests.conftest.Renamed = MySession
    settings.API_GUARD["UNSCOPED_AUTHENTICATION"] = ["tests.conftest.Renamed"]
    assert scopes(api.get("/my-session")) != []


def test_an_anonymous_caller_has_nothing_and_is_known_by_address(api, granted):
    shown = api.get("/show")
    assert scopes(shown) == []
    assert shown.json()["key"] == "address:127.0.0.1"
    assert api.get("/show", REMOTE_ADDR="").json()["key"] == "address:unknown"


def test_a_forwarded_address_counts_only_from_a_trusted_proxy(api, db, settings):
    def key():
        return api.get("/show", HTTP_X_FORWARDED_FOR="203.0.113.9").json()["key"]

    assert key() == "address:127.0.0.1"
    settings.API_GUARD = {**settings.API_GUARD, "TRUSTED_PROXIES": ["127.0.0.0/8"]}
    assert key() == "address:203.0.113.9"
    settings.API_GUARD = {**settings.API_GUARD, "TRUSTED_PROXIES": ["everything"]}
    assert key() == "address:127.0.0.1"


def test_an_inactive_user_has_nothing(api, alice, issue, granted):
    alice.is_active = False
    alice.save()
    api.force_authenticate(alice)
    shown = api.get("/show")
    assert (scopes(shown), shown.json()["user"]) == ([], None)
    api.force_authenticate(alice, issue(ALL, user=alice))
    shown = api.get("/show")
    assert scopes(shown) == []
    assert shown.json()["client"] is None


def test_a_test_s_force_authenticate_means_the_user_in_person_or_by_a_token(
    api, alice, issue, granted
):
    api.force_authenticate(alice)
    assert scopes(api.get("/show")) == ["audit:read", "notes:read", "notes:write"]
    api.force_authenticate(alice, issue("notes:read", user=alice))
    assert scopes(api.get("/show")) == ["notes:read"]
    api.force_authenticate(alice, "a token that says nothing")
    assert scopes(api.get("/show")) == []


def test_a_grant_that_expires_ends_with_its_last_second(api, alice, granted):
    api.by_session(alice)
    with recorded():
        grants.live().update(expires_at=timezone.now() + timedelta(hours=1))
    assert scopes(api.get("/show")) != []
    with recorded():
        grants.live().update(expires_at=timezone.now())
    assert scopes(api.get("/show")) == []


# Bearer tokens


def refused(response, status=401):
    assert response.status_code == status
    assert response.json()[CODE] == "invalid_token"
    assert response["WWW-Authenticate"] == (
        'Bearer realm="api", error="invalid_token", '
        'error_description="The access token is invalid, expired or revoked", '
        'resource_metadata="http://testserver/o/.well-known/oauth-protected-resource"'
    )
    return True


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer nonsense",
        "bearer nonsense",
        "BEARER  nonsense",
        "Bearer ey.a.b",
        "Bearer a b",
        "Bearer é",
        "Bearer \x00",
        'Bearer "quoted"',
        "Bearer " + "x" * 5000,
    ],
)
def test_a_bad_bearer_token_is_refused_on_a_public_view_and_beside_a_session(api, alice, header):
    assert refused(api.get("/show", HTTP_AUTHORIZATION=header))
    assert refused(api.by_session(alice).get("/show", HTTP_AUTHORIZATION=header))


@pytest.mark.parametrize("header", ["", "Basic", "Digest abc", "BearerX abc"])
def test_another_scheme_is_not_ours_to_judge(api, db, header):
    assert api.get("/toolkit", HTTP_AUTHORIZATION=header).status_code == 200


class OtherBearer(BaseAuthentication):
    """Another kind of bearer token, as a package for JWTs has it."""

    refusal = "no JWT"

    def authenticate(self, request):
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if not header.startswith("Bearer "):
            return None
        if not header.startswith("Bearer jwt-"):
            raise AuthenticationFailed(self.refusal)
        return get_user_model().objects.get(username=header.removeprefix("Bearer jwt-")), None

    def authenticate_header(self, request):
        return 'Bearer realm="jwt"'


class Verbose(OtherBearer):
    refusal = {"detail": "no JWT", "code": "token_not_valid", "messages": []}


class Broken(BaseAuthentication):
    def authenticate(self, request):
        raise PermissionDenied("CSRF, say")


BEARERS = {
    "ours-first": [OAuth2Authentication, OtherBearer],
    "ours-last": [OtherBearer, OAuth2Authentication],
    "session-first": [SessionAuthentication, Verbose, OAuth2Authentication],
}
urlpatterns += [
    path(name, show.as_view(authentication_classes=classes)) for name, classes in BEARERS.items()
]
urlpatterns += [
    path("broken-first", show.as_view(authentication_classes=[Broken, OAuth2Authentication])),
    path("broken-last", show.as_view(authentication_classes=[OAuth2Authentication, Broken])),
]


@pytest.mark.parametrize("name", BEARERS)
def test_two_kinds_of_bearer_token_live_side_by_side(api, alice, bob, issue, name):
    url = f"/{name}"
    assert api.by_token("jwt-bob").get(url).json()["user"] == bob.pk
    assert api.by_token(issue("notes:read", user=alice)).get(url).json()["user"] == alice.pk
    refused = api.by_token("neither").get(url)
    assert refused.status_code == 401
    codes = {"ours-first": "invalid_token", "ours-last": "authentication_failed"}
    assert refused.json()["code"] == codes.get(name, "token_not_valid")
    assert refused["WWW-Authenticate"].startswith("Bearer realm=")
    api.by_session(alice)
    assert api.by_token("neither").get(url).status_code == 401
    expected = alice.pk if name == "session-first" else bob.pk
    assert api.by_token("jwt-bob").get(url).json()["user"] == expected
    api.credentials()
    assert api.get(url).status_code == 200


def test_an_authenticator_that_refuses_for_its_own_reasons_ends_it(api, alice, issue):
    api.by_token(issue("notes:read", user=alice))
    assert api.get("/broken-first").status_code == 403
    assert api.get("/broken-last").json()["user"] == alice.pk
    api.credentials()
    assert api.get("/broken-last").status_code == 403


def test_who_was_authenticated_is_not_asked_again(alice, rf):
    class Counting(SessionAuthentication):
        asked = 0

        def authenticate(self, request):
            Counting.asked += 1
            return alice, None

    request = Request(rf.get("/"), authenticators=[Counting()])
    view = show()
    view.perform_authentication(request)
    view.perform_authentication(request)
    assert (request.user, Counting.asked) == (alice, 1)


def test_a_token_is_taken_from_the_header_alone(api, alice, issue, granted):
    token = issue(ALL, user=alice).token
    assert api.get("/show", {"access_token": token}).json()["code"] == "token_in_query"
    form = api.generic("GET", "/show", f"access_token={token}", FORM)
    assert form.json()["user"] is None


def test_an_expired_token_is_refused(api, alice, issue):
    assert refused(api.by_token(issue(ALL, user=alice, seconds=-1)).get("/show"))


def test_a_deleted_token_is_refused_on_the_next_request(api, alice, issue):
    token = issue(ALL, user=alice)
    assert api.by_token(token).get("/show").status_code == 200
    token.revoke()
    assert refused(api.get("/show"))


def test_the_token_of_an_inactive_user_is_refused(api, alice, issue):
    token = issue(ALL, user=alice)
    get_user_model().objects.update(is_active=False)
    assert refused(api.by_token(token).get("/show"))


def test_a_token_of_nobody_is_refused(api, issue):
    assert refused(api.by_token(issue(ALL, to=None)).get("/show"))


def test_the_token_of_an_unusable_client_is_refused(api, issue, monkeypatch):
    token = issue(ALL)
    monkeypatch.setattr(Application, "is_usable", lambda self, request: False)
    assert refused(api.by_token(token).get("/show"))


def test_a_token_for_another_resource_is_refused(api, issue):
    here = issue(ALL, resource=["http://testserver/"])
    assert api.by_token(here).get("/show").status_code == 200
    there = issue(ALL, resource=["https://other.example/"])
    assert refused(api.by_token(there).get("/show"))


def test_tokens_stored_as_checksums_alone_are_found(api, alice, issue, granted):
    token = issue("notes:read", user=alice)
    AccessToken.objects.filter(pk=token.pk).update(token="")
    assert scopes(api.by_token(token).get("/show")) == ["notes:read"]


def test_a_token_for_a_part_of_this_api_opens_that_part_whatever_the_host_says(
    api, issue, settings
):
    settings.API_GUARD = {**settings.API_GUARD, "AUDIENCE": ["https://api.example/"]}
    for resource, status in (
        ("https://api.example/", 200),
        ("https://api.example/show", 200),
        ("https://api.example/other", 401),
        ("http://testserver/", 401),
    ):
        token = issue(ALL, resource=[resource])
        assert api.by_token(token).get("/show").status_code == status, resource
    assert api.by_token(issue(ALL)).get("/show").status_code == 200


def test_a_token_that_is_bound_to_a_key_is_no_plain_bearer_token(api, issue, monkeypatch):
    """As a token model of one's own may say (RFC 9449 §7.2)."""
    token = issue(ALL)
    monkeypatch.setattr(AccessToken, "cnf", {"jkt": "0ZcOCORZNYy"}, raising=False)
    assert refused(api.by_token(token).get("/show"))


def test_a_refresh_token_and_an_id_token_are_no_bearer_tokens(api, alice, application, issue):
    own = {"user": alice, "application": application}
    RefreshToken.objects.create(token="refresh", access_token=issue(ALL, user=alice), **own)
    assert refused(api.by_token("refresh").get("/show"))
    assert refused(api.by_token("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln").get("/show"))


urlpatterns += [
    path("o/", include("api_guard.oauth2.urls")),
    path("closed", guard(read="notes:read")(Show).as_view()),
]


def test_every_challenge_leads_to_the_metadata_where_they_are_routed(api, db, issue):
    where = 'resource_metadata="http://testserver/o/.well-known/oauth-protected-resource"'
    assert api.get("/closed")["WWW-Authenticate"] == f'Bearer realm="api", {where}'
    insufficient = api.by_token(issue(ALL)).get("/closed")["WWW-Authenticate"]
    assert insufficient == (
        f'Bearer realm="api", error="insufficient_scope", scope="notes:read", {where}'
    )
    for answer in (api.by_token("bad").get("/closed"), api.get("/closed?access_token=x")):
        assert answer["WWW-Authenticate"].endswith(where)
    told = api.get("/o/.well-known/oauth-protected-resource").json()
    assert "notes:read" in told["scopes_supported"]
    assert told["bearer_methods_supported"] == ["header"]


def test_a_public_answer_is_kept_from_caches_where_a_credential_was_shown(api, db, issue):
    anonymous = api.get("/show")
    assert "no-store" not in anonymous.get("Cache-Control", "")
    known = api.by_token(issue(ALL)).get("/show")
    assert known["Cache-Control"] == "private, no-store"
    assert {"Authorization", "Cookie"} <= set(known["Vary"].split(", "))
    assert "no-store" in api.by_token("bad").get("/show")["Cache-Control"]
