"""A refusal is an exception of DRF's to everybody who asks, and its answer says all of it."""

from __future__ import annotations

import pytest
from django.http import JsonResponse
from django.urls import path
from drf_standardized_errors.handler import exception_handler as standardized
from rest_framework import exceptions as drf
from rest_framework.authentication import BasicAuthentication, TokenAuthentication
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import APIView, exception_handler
from rest_framework_simplejwt.authentication import JWTAuthentication

from api_guard import checks, exceptions, guard
from api_guard.authentication import OAuth2Authentication
from api_guard.core.rates import Usage, parse_rates

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

[RATE] = parse_rates("1/m")
MADE = {
    exceptions.InsufficientScope: lambda cls: cls(["notes:read"], bearer=True),
    exceptions.NotAuthenticated: lambda cls: cls('Bearer realm="api"'),
    exceptions.InvalidCredential: lambda cls: cls("Wrong.", "Basic"),
    exceptions.RateLimited: lambda cls: cls(7, (Usage(RATE, used=1, reset=7, wait=7),)),
    exceptions.TooManyFailures: lambda cls: cls(7),
}
FITTING = {
    400: drf.ParseError,
    401: (drf.NotAuthenticated, drf.AuthenticationFailed),
    403: drf.PermissionDenied,
    415: drf.UnsupportedMediaType,
    429: drf.Throttled,
}
REFUSALS = [
    found
    for found in map(vars(exceptions).get, exceptions.__all__)
    if isinstance(found, type) and issubclass(found, exceptions.Refusal)
]
REFUSALS.remove(exceptions.Refusal)


def made(cls):
    return MADE.get(cls, lambda cls: cls())(cls)


@pytest.mark.parametrize("cls", REFUSALS)
def test_a_refusal_is_the_exception_of_drf_s_that_fits(cls):
    refusal = made(cls)
    assert isinstance(refusal, FITTING.get(refusal.status_code, drf.APIException))
    assert not isinstance(refusal, drf.ValidationError)
    assert isinstance(refusal.detail, drf.ErrorDetail)
    assert refusal.detail.code == refusal.get_codes() == cls.default_code
    assert refusal.get_full_details() == {"message": refusal.detail, "code": cls.default_code}
    assert str(refusal) == str(refusal.detail) == refusal.body["detail"]


def test_without_a_challenge_to_offer_it_is_403_and_still_says_that_nobody_signed_in():
    refusal = exceptions.NotAuthenticated(None)
    assert isinstance(refusal, drf.NotAuthenticated)
    assert (refusal.status_code, refusal.auth_header) == (403, None)


# Handlers of projects.


def numbered(exc, context):
    response = exception_handler(exc, context)
    if response is not None:
        response.data["status_code"] = response.status_code
    return response


def listed(exc, context):
    response = exception_handler(exc, context)
    if response is not None and isinstance(exc, drf.APIException):
        response.data = {"errors": exc.detail}
    return response


def by_kind(exc, context):
    response = exception_handler(exc, context)
    if isinstance(exc, (drf.NotAuthenticated, drf.AuthenticationFailed)):
        response.data = {"title": "Sign in", "why": exc.get_codes()}
    elif isinstance(exc, drf.PermissionDenied):
        response.data = {"title": "Not yours", "why": exc.detail.code}
    elif isinstance(exc, drf.Throttled):
        response.data = {"title": f"Wait {exc.wait}", "why": exc.detail.code}
    return response


def asking(exc, context):
    """Asks the view and the request, which are there whenever DRF calls it."""
    response = exception_handler(exc, context)
    response.data["view"] = f"{context['view'].__class__.__name__} {context['request'].method}"
    return response


class First(BasicAuthentication):
    """Stands first and has nothing to offer."""

    def authenticate_header(self, request):
        return None


class Answer(APIView):
    def get(self, request):
        return Response("in")


def challenged(*authenticators, **policy):
    names = {"authentication_classes": list(authenticators)}
    return guard(**{"read": "notes:read", **policy})(type("Challenged", (Answer,), names)).as_view()


class Copied(Answer):
    """Has DRF's own handle_exception() in its body, as projects do to change one line."""

    authentication_classes = [First, TokenAuthentication]

    def handle_exception(self, exc):
        if isinstance(exc, (drf.NotAuthenticated, drf.AuthenticationFailed)):
            header = self.get_authenticate_header(self.request)
            if header:
                exc.auth_header = header
            else:
                exc.status_code = 403
        response = self.get_exception_handler()(exc, self.get_exception_handler_context())
        response.exception = True
        return response


urlpatterns = [
    path("bearer", challenged(OAuth2Authentication)),
    path("second", challenged(First, OAuth2Authentication)),
    path("basic-first", challenged(TokenAuthentication, OAuth2Authentication)),
    path("none", challenged(First)),
    path("jwt", challenged(First, JWTAuthentication)),
    path("copied", guard(read="notes:read")(Copied).as_view()),
    path("once", challenged(OAuth2Authentication, throttle="1/h")),
]

DETAIL = "Authentication credentials were not provided."


def use(monkeypatch, handler):
    monkeypatch.setattr(api_settings, "EXCEPTION_HANDLER", handler)


def test_the_body_and_the_headers_are_what_they_were(api):
    refused = api.get("/bearer")
    assert list(refused.json().items())[:2] == [("detail", DETAIL), ("code", "not_authenticated")]
    assert list(refused.json()) == ["detail", "code", "decision"]
    api.get("/once")
    response = api.get("/once")
    assert list(response.json()) == ["detail", "code", "rate", "wait", "decision"]
    assert response["Retry-After"] == str(response.json()["wait"])


@pytest.mark.parametrize(
    ("route", "status", "challenge"),
    [
        ("bearer", 401, 'Bearer realm="api"'),
        ("second", 401, 'Bearer realm="api"'),
        ("basic-first", 401, "Token"),
        ("none", 403, None),
        ("copied", 401, "Token"),
    ],
)
def test_the_challenge_is_that_of_the_first_authenticator_that_has_one(
    api, route, status, challenge
):
    response = api.get(f"/{route}")
    assert (response.status_code, response.get("WWW-Authenticate")) == (status, challenge)
    assert response.json()["code"] == "not_authenticated"


@pytest.mark.parametrize("route", ["second", "basic-first"])
def test_a_bad_token_is_answered_in_its_own_scheme(api, route):
    response = api.by_token("nonsense").get(f"/{route}")
    assert (response.status_code, response.json()["code"]) == (401, "invalid_token")
    assert response["WWW-Authenticate"].startswith('Bearer realm="api", error="invalid_token"')


def test_what_a_package_says_of_its_token_is_kept(api):
    response = api.by_token("nonsense").get("/jwt")
    assert (response.status_code, response["WWW-Authenticate"]) == (401, 'Bearer realm="api"')
    assert list(response.json()) == ["detail", "code", "messages", "decision"]
    assert response.json()["code"] == "token_not_valid"
    [refusal] = [exceptions.InvalidCredential({"odd": ["shape"]}, "Basic")]
    data = {"detail": refusal.detail}
    refusal.complete(data)
    assert data == {"odd": ["shape"]}
    assert exceptions.InvalidCredential(["a", "list"], "Basic").body["code"] == (
        "authentication_failed"
    )


@pytest.mark.parametrize(
    ("handler", "body"),
    [
        (numbered, {"detail": DETAIL, "code": "not_authenticated", "status_code": 401}),
        (listed, {"errors": DETAIL}),
        (by_kind, {"title": "Sign in", "why": "not_authenticated"}),
        (
            standardized,
            {
                "type": "client_error",
                "errors": [{"code": "not_authenticated", "detail": DETAIL, "attr": None}],
            },
        ),
    ],
)
def test_handlers_of_projects_carry_a_refusal(api, monkeypatch, handler, body):
    use(monkeypatch, handler)
    response = api.get("/bearer")
    assert (response.status_code, response["WWW-Authenticate"]) == (401, 'Bearer realm="api"')
    # The id of the decision goes with the data of the stock handler.
    assert {**response.json(), "decision": ""} == {**body, "decision": ""}
    assert ("decision" in response.json()) is (handler is numbered)
    assert checks.check_exception_handler() == []


def test_a_handler_may_ask_the_view_and_the_request(monkeypatch):
    use(monkeypatch, asking)
    assert checks.check_exception_handler() == []


def by_place(exc, context):
    """Answer as RFC 9457 does, with what the client asked for."""
    response = exception_handler(exc, context)
    request = context["request"]
    response.data["instance"] = request.build_absolute_uri()
    response.data["route"] = request.resolver_match.route
    response.data["address"] = request.META["REMOTE_ADDR"]
    return response


def by_middleware(exc, context):
    """Name what the project's middleware has set on Django's request."""
    response = exception_handler(exc, context)
    response.data["id"] = context["request"].id or context["request"]._request.id
    return response


@pytest.mark.parametrize("handler", [by_place, by_middleware])
@pytest.mark.parametrize("hosts", [["api.example.com"], [".example.com"], ["*"]])
def test_a_handler_gets_a_request_as_the_project_gets_them(monkeypatch, settings, handler, hosts):
    settings.ALLOWED_HOSTS = hosts
    use(monkeypatch, handler)
    assert checks.check_exception_handler() == []


def plain(exc, context):
    response = JsonResponse({"error": exc.detail}, status=exc.status_code)
    response["WWW-Authenticate"] = getattr(exc, "auth_header", "")
    return response


def always_200(exc, context):
    response = exception_handler(exc, context)
    response.status_code = 200
    return response


def silent(exc, context):
    response = exception_handler(exc, context)
    response.data = {"error": "No."}
    return response


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        (plain, "answers a 429 with no Retry-After"),
        (always_200, "answers a 401 with 200 and a 429 with 200"),
        (silent, "answers a 401 with no detail and no code and a 429 with"),
        (lambda exc, context: None, "answers a 401 with AttributeError and"),
    ],
)
def test_a_handler_that_loses_a_part_of_a_refusal_is_an_error(monkeypatch, handler, said):
    use(monkeypatch, handler)
    [message] = checks.check_exception_handler()
    assert message.id == "api_guard.E021"
    assert said in message.msg
