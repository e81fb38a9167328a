"""What has to stand before the guard's middleware may, and its answers then carry its headers."""

from __future__ import annotations

import sys

import pytest
from asgiref.sync import async_to_sync
from corsheaders.middleware import CorsMiddleware
from django.core.management import call_command
from django.test import AsyncClient
from django.urls import include, path
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import PUBLIC, checks, guard

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

GUARD = "api_guard.middleware.GuardMiddleware"
CORS = "corsheaders.middleware.CorsMiddleware"
ORIGIN = "https://app.example"


class Undeclared(APIView):
    permission_classes = [AllowAny]

    def get(self, request):
        return Response("read")


@guard(read=PUBLIC)
class Declared(Undeclared):
    pass


urlpatterns = [
    path("declared", Declared.as_view()),
    path("undeclared", Undeclared.as_view()),
    path("o/", include("api_guard.oauth2.urls")),
]


class OwnCors(CorsMiddleware):
    """A project's own, derived from that of the package."""


class Named:
    """A project's own request id."""

    def __init__(self, get_response):
        self.get_response = get_response


@pytest.fixture(params=["sync", "async"])
def ask(request, client, settings):
    settings.MIDDLEWARE = [CORS, *settings.MIDDLEWARE]
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]

    def ask(method, url, **headers):
        client_ = client if request.param == "sync" else AsyncClient()
        send = getattr(client_, method)
        send = send if request.param == "sync" else async_to_sync(send)
        return send(url, headers={"Origin": ORIGIN, **headers})

    return ask


def allowed(response):
    return response.headers.get("Access-Control-Allow-Origin")


def test_a_preflight_is_answered_before_anything_is_decided(ask):
    for url in ("/declared", "/undeclared"):
        response = ask("options", url, **{"Access-Control-Request-Method": "GET"})
        assert (response.status_code, allowed(response)) == (200, ORIGIN)
        assert "GET" in response.headers["Access-Control-Allow-Methods"]


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        ("/declared?access_token=x", 400, "token_in_query"),
        ("/undeclared", 403, "undeclared_endpoint"),
    ],
)
def test_a_refusal_of_the_middleware_can_be_read_by_a_page(ask, url, status, code):
    response = ask("get", url)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert allowed(response) == ORIGIN


def test_so_can_an_answer_and_the_refusal_of_what_came_in_clear(ask, settings):
    response = ask("get", "/declared")
    assert (response.status_code, allowed(response)) == (200, ORIGIN)
    settings.SECURE_SSL_REDIRECT = True
    response = ask("get", "/declared")
    assert (response.status_code, allowed(response)) == (403, ORIGIN)


def test_a_project_with_cors_before_the_guard_passes_all_checks(settings):
    settings.DEBUG = True
    module = type(sys)("tests.cors_urls")
    module.urlpatterns = [urlpatterns[0], urlpatterns[2]]
    sys.modules["tests.cors_urls"] = module
    settings.ROOT_URLCONF = "tests.cors_urls"
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
    settings.MIDDLEWARE = [CORS, *settings.MIDDLEWARE]
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "corsheaders"]
    call_command("check", fail_level="WARNING")


@pytest.mark.parametrize(
    "before",
    [
        [],
        [CORS],
        [f"{__name__}.OwnCors"],
        ["django_prometheus.middleware.PrometheusBeforeMiddleware", CORS],
        ["django_guid.middleware.guid_middleware"],
        ["log_request_id.middleware.RequestIDMiddleware"],
        ["request_id.middleware.RequestIdMiddleware"],
        ["cid.middleware.CidMiddleware"],
        ["django_structlog.middlewares.RequestMiddleware"],
        ["opentelemetry.instrumentation.django.middleware.otel_middleware._DjangoMiddleware"],
        ["elasticapm.contrib.django.middleware.TracingMiddleware"],
    ],
)
def test_what_answers_for_no_view_may_stand_before_the_guard(settings, before):
    settings.MIDDLEWARE = [*before, *settings.MIDDLEWARE]
    assert checks.check_middleware() == []


@pytest.mark.parametrize(
    "before",
    [
        ["django.middleware.security.SecurityMiddleware"],
        ["django.middleware.cache.UpdateCacheMiddleware"],
        [CORS, "django.middleware.common.CommonMiddleware"],
        [f"{__name__}.Named"],
        ["nowhere.Middleware"],
    ],
)
def test_anything_else_may_not_and_the_line_keeps_what_may(settings, before):
    settings.MIDDLEWARE = [*before, *settings.MIDDLEWARE]
    [message] = checks.check_middleware()
    assert (message.id, "is not first" in message.msg) == ("api_guard.E009", True)
    kept = f'"{CORS}", ' if CORS in before else ""
    assert message.hint.startswith(f'MIDDLEWARE = [{kept}"{GUARD}", ...]')


def test_a_guard_that_is_missing_is_to_be_put_behind_what_stays_first(settings):
    settings.MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", CORS]
    [message] = checks.check_middleware()
    assert "is missing from" in message.msg
    assert f'"{CORS}", "{GUARD}"' in message.hint
