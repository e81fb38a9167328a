"""The schema of drf-spectacular says what the guard requires, and the API answers as it says."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import include, path
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.decorators import api_view
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet

from api_guard import PUBLIC, SIGNED_IN, STAFF, any_of, grants, guard
from api_guard.authentication import IntrospectionAuthentication, OAuth2Authentication
from api_guard.core.scopes import ScopeTerms
from api_guard.openapi import AutoSchema
from api_guard.pagination import PageNumberPagination
from api_guard.permissions import Guarded, HasScopes
from api_guard.requests.bodies import shown, shown_scope, shown_to_decide
from api_guard.requests.routes import with_scopes
from api_guard.throttling import RateThrottle
from tests.models import Note

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


class NoteSerializer(serializers.ModelSerializer):
    class Meta:
        model = Note
        fields = ["id", "title"]


class Told:
    """The settings of a project, for views that this test alone describes."""

    schema = AutoSchema()
    authentication_classes = [OAuth2Authentication, SessionAuthentication]


@guard(read="notes:read", write="notes:write", owner="author", throttle="100/m")
class Notes(Told, ModelViewSet):
    queryset = Note.objects.order_by("pk")
    serializer_class = NoteSerializer
    pagination_class = PageNumberPagination


class One(Told, APIView):
    serializer_class = NoteSerializer

    def get(self, request):
        return Response({"id": 1, "title": "x"})


either = guard(read=("audit:read", any_of("notes:read", "notes:write")))(
    type("Either", (One,), {"__module__": __name__})
)
public = guard(read=PUBLIC)(type("Public", (One,), {"__module__": __name__}))
signed_in = guard(read=SIGNED_IN)(type("SignedIn", (One,), {"__module__": __name__}))
staff = guard(read=(STAFF, "audit:read"))(type("Staff", (One,), {"__module__": __name__}))
nobody = guard(read=PUBLIC)(
    type("Nobody", (One,), {"__module__": __name__, "authentication_classes": []})
)
remote = guard(read="notes:read")(
    type(
        "Remote",
        (One,),
        {"__module__": __name__, "authentication_classes": [IntrospectionAuthentication]},
    )
)
tokens = guard(read=SIGNED_IN)(
    type(
        "Tokens",
        (One,),
        {"__module__": __name__, "authentication_classes": [OAuth2Authentication]},
    )
)
of_permissions = type(
    "OfPermissions",
    (One,),
    {
        "__module__": __name__,
        "permission_classes": [IsAuthenticated & HasScopes("notes:read"), HasScopes("audit:read")],
        "throttle_classes": [RateThrottle("5/s"), UserRateThrottle],
    },
)
either_permission = type(
    "EitherPermission",
    (One,),
    {"__module__": __name__, "permission_classes": [IsAuthenticated | HasScopes("notes:read")]},
)
unguarded = type("Unguarded", (One,), {"__module__": __name__})
partly = guard(write="notes:write")(type("Partly", (One,), {"__module__": __name__}))


@api_view(["GET"])
def function(request):
    return Response()


router = DefaultRouter()
router.register("notes", Notes)
urlpatterns = [
    path("", include(router.urls[:-2])),
    path("either/", either.as_view()),
    path("public/", public.as_view()),
    path("signed-in/", signed_in.as_view()),
    path("staff/", staff.as_view()),
    path("nobody/", nobody.as_view()),
    path("remote/", remote.as_view()),
    path("tokens/", tokens.as_view()),
    path("permissions/", of_permissions.as_view()),
    path("either-permission/", either_permission.as_view()),
    path("unguarded/", unguarded.as_view()),
    path("partly/", partly.as_view()),
    path("o/", include("api_guard.oauth2.urls")),
]
WITHOUT_SERVER = urlpatterns[:-1]


def schema(patterns=None):
    described = [each for each in patterns or urlpatterns if str(each.pattern) != "o/"]
    found = SchemaGenerator(patterns=described).get_schema(public=True)
    validate_schema(found)
    return found


@pytest.fixture(scope="module")
def told():
    return schema()


def operation(found, url, method="get"):
    return found["paths"][url][method]


@pytest.mark.parametrize(
    ("url", "method", "security"),
    [
        ("/notes/", "get", [{"oauth2": ["notes:read"]}, {"cookieAuth": []}]),
        ("/notes/{id}/", "delete", [{"oauth2": ["notes:write"]}, {"cookieAuth": []}]),
        (
            "/either/",
            "get",
            [
                {"oauth2": ["audit:read", "notes:read"]},
                {"oauth2": ["audit:read", "notes:write"]},
                {"cookieAuth": []},
            ],
        ),
        ("/public/", "get", [{"oauth2": []}, {"cookieAuth": []}, {}]),
        ("/signed-in/", "get", [{"cookieAuth": []}]),
        ("/tokens/", "get", [{"oauth2": []}]),
        ("/permissions/", "get", [{"oauth2": ["notes:read", "audit:read"]}, {"cookieAuth": []}]),
        ("/either-permission/", "get", [{"oauth2": []}, {"cookieAuth": []}]),
        ("/staff/", "get", [{"oauth2": ["audit:read"]}, {"cookieAuth": []}]),
        ("/remote/", "get", [{"bearerToken": ["notes:read"]}]),
    ],
)
def test_each_operation_tells_its_scopes(told, url, method, security):
    assert operation(told, url, method)["security"] == security


def test_the_flows_are_those_that_are_routed(told, settings):
    scheme = told["components"]["securitySchemes"]["oauth2"]
    scopes = settings.API_GUARD["SCOPES"]
    assert scheme == {
        "type": "oauth2",
        "flows": {
            "authorizationCode": {
                "authorizationUrl": "/o/authorize/",
                "tokenUrl": "/o/token/",
                "refreshUrl": "/o/token/",
                "scopes": scopes,
            },
            "clientCredentials": {"tokenUrl": "/o/token/", "scopes": scopes},
        },
    }
    bearer = told["components"]["securitySchemes"]["bearerToken"]
    assert bearer == {"type": "http", "scheme": "bearer"}


def test_without_an_authorization_server_a_token_is_a_bearer_token(settings, monkeypatch):
    settings.ROOT_URLCONF = type("Urls", (), {"urlpatterns": WITHOUT_SERVER, "__name__": "none"})
    settings.API_GUARD = {
        **settings.API_GUARD,
        "INTROSPECTION": {
            "URL": "https://auth.example.com/introspect/",
            "ISSUER": "https://auth.example.com",
            "TOKEN": "secret",
        },
    }
    schemes = schema(WITHOUT_SERVER)["components"]["securitySchemes"]
    assert schemes["oauth2"] == {"type": "http", "scheme": "bearer"}
    assert schemes["bearerToken"]["description"] == "Issued by https://auth.example.com"
    assert "secret" not in str(schemes)


def test_a_server_without_a_page_of_consent_has_one_flow(settings, monkeypatch):
    from api_guard.openapi import security

    monkeypatch.setattr(security, "_address", {"token": "/t/"}.get)
    flows = schema()["components"]["securitySchemes"]["oauth2"]["flows"]
    assert flows.keys() == {"clientCredentials"}


def codes(found, url, status, method="get"):
    said = operation(found, url, method)["responses"][status]
    body = said["content"]["application/json"]["schema"]
    body = body["anyOf"][0] if "anyOf" in body else body
    assert body == {"$ref": "#/components/schemas/Refusal"}
    told = said.get("x-codes", [])
    assert all(f"`{code}`" in said["description"] for code in told)
    return told


@pytest.mark.parametrize(
    ("url", "method", "statuses"),
    [
        ("/notes/", "get", "200 400 401 403 404 429 503"),
        ("/notes/", "post", "201 400 401 403 411 413 415 429 503"),
        ("/notes/{id}/", "get", "200 400 401 403 404 429 503"),
        ("/notes/{id}/", "delete", "204 400 401 403 404 429 503"),
        ("/public/", "get", "200 400 401 403 429 503"),
        ("/nobody/", "get", "200 400 403 503"),
        ("/unguarded/", "get", "200"),
        ("/permissions/", "get", "200 400 401 403 429 503"),
        ("/partly/", "get", "200"),
    ],
)
def test_each_operation_tells_its_refusals(told, url, method, statuses):
    assert sorted(operation(told, url, method)["responses"]) == statuses.split()


def test_the_codes_are_those_of_the_requirement(told):
    assert codes(told, "/notes/", "403") == [
        "insecure_transport",
        "insufficient_scope",
        "unchecked_object",
        "rule_failed",
    ]
    assert "outside_your_objects" in codes(told, "/notes/", "403", "post")
    assert codes(told, "/signed-in/", "403") == [
        "insecure_transport",
        "user_only",
        "first_party_only",
    ]
    assert codes(told, "/staff/", "403")[-2:] == ["staff_only", "user_only"]
    assert codes(told, "/public/", "401") == ["invalid_token", "authentication_failed"]
    assert codes(told, "/notes/", "401")[0] == "not_authenticated"
    assert codes(told, "/notes/", "429") == ["rate_limited", "too_many_failures"]
    assert codes(told, "/notes/{id}/", "404") == []


def test_rates_and_their_headers_are_told(told):
    found = operation(told, "/notes/")
    assert found["x-rates"] == ["100/m"]
    assert {"RateLimit", "RateLimit-Policy"} <= found["responses"]["200"]["headers"].keys()
    assert found["responses"]["429"]["headers"].keys() == {
        "Retry-After",
        "RateLimit",
        "RateLimit-Policy",
    }
    assert "x-rates" not in operation(told, "/public/")
    assert operation(told, "/public/")["responses"]["429"]["headers"].keys() == {"Retry-After"}


@pytest.fixture
def as_the_default(settings):
    settings.REST_FRAMEWORK = {
        **settings.REST_FRAMEWORK,
        "DEFAULT_SCHEMA_CLASS": "api_guard.openapi.AutoSchema",
    }


def test_an_exempt_view_works_without_a_credential_unless_its_permissions_ask_for_one(settings):
    class Exempt(One):
        permission_classes = [Guarded]

    class HalfExempt(Exempt):
        permission_classes = [Guarded, IsAuthenticated]

    names = [f"{__name__}.{view.__qualname__}" for view in (Exempt, HalfExempt)]
    settings.API_GUARD = {**settings.API_GUARD, "EXEMPT": dict.fromkeys(names, "a test")}
    found = schema([path("exempt/", Exempt.as_view()), path("half/", HalfExempt.as_view())])
    everybody, users = operation(found, "/exempt/"), operation(found, "/half/")
    assert everybody["security"] == [{"oauth2": []}, {"cookieAuth": []}, {}]
    assert users["security"] == [{"oauth2": []}, {"cookieAuth": []}]
    assert list(everybody["responses"]) == ["200"]


def test_the_views_of_requests_are_described_by_their_real_bodies(as_the_default, alice, settings):
    terms = {"description": "Read", "group": "Notes", "requestable": True}
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": {"notes:read": terms}}
    until = timezone.now() + timedelta(days=7)
    row = grants.request("notes:read", by=alice, reason="a report", expires_at=until)
    scopes = with_scopes(ask="notes:read", decide="notes:read")
    for routes, security in (
        (include("api_guard.requests.urls"), [{"cookieAuth": []}]),
        (include(scopes), [{"cookieAuth": []}, {"oauth2": ["notes:read"]}]),
    ):
        found = schema([path("access/", routes)])
        ask = operation(found, "/access/v1/requests/", "post")
        assert ask["operationId"] == "access_ask"
        assert [each for each in security if each not in ask["security"]] == []
        assert "409" in ask["responses"]
        [key] = operation(found, "/access/v1/requests/{id}/")["parameters"]
        assert key["schema"] == {"type": "integer", "minimum": 0}
        parts = found["components"]["schemas"]
        names = ("AskedScope", "DecidableScope", "RequestableScope")
        one = shown(row), shown_to_decide(row), shown_scope("notes:read", ScopeTerms("", "Notes"))
        for part, body in zip(names, one, strict=True):
            assert parts[part]["properties"].keys() == body.keys()
        page = operation(found, "/access/v1/decisions/")["responses"]["200"]["content"]
        assert "PaginatedDecidableScopeList" in str(page)


def test_what_the_project_documents_itself_stays(as_the_default):
    from drf_spectacular.utils import extend_schema

    class Documented(One):
        @extend_schema(responses={200: NoteSerializer, 403: None})
        def get(self, request):
            return Response()

    view = guard(read="notes:read", throttle="5/s")(Documented)
    found = schema([path("documented/", view.as_view())])
    assert operation(found, "/documented/")["responses"]["403"] == {
        "description": "No response body"
    }


def test_an_excluded_operation_stays_excluded(as_the_default):
    from drf_spectacular.utils import extend_schema

    class Excluded(One):
        @extend_schema(exclude=True)
        def get(self, request):
            return Response()

    view = guard(read="notes:read")(Excluded)
    assert schema([path("excluded/", view.as_view())])["paths"] == {}


def test_the_api_answers_as_the_schema_says(told, api, alice, bob, give):
    give(alice, "notes:read", "notes:write")
    note = Note.objects.create(author=bob, title="Bob's")
    mine = Note.objects.create(author=alice, title="Mine")
    for caller, url, place, method in (
        (None, "/notes/", "/notes/", "get"),
        (bob, "/notes/", "/notes/", "get"),
        (alice, "/notes/", "/notes/", "get"),
        (alice, f"/notes/{note.pk}/", "/notes/{id}/", "get"),
        (alice, f"/notes/{mine.pk}/", "/notes/{id}/", "patch"),
        (alice, f"/notes/{mine.pk}/", "/notes/{id}/", "delete"),
        (bob, "/staff/", "/staff/", "get"),
        (bob, "/signed-in/", "/signed-in/", "get"),
    ):
        client = api if caller is None else api.by_session(caller)
        answer = getattr(client, method)(url)
        said = operation(told, place, method)["responses"]
        assert str(answer.status_code) in said, (place, method, answer.status_code)
        if answer.status_code in (401, 403):
            assert answer.json()["code"] in codes(told, place, str(answer.status_code), method)
        api.logout()
