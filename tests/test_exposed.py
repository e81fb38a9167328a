"""A secret that came where others can read it is refused, however Django came to the view."""

from __future__ import annotations

import sys

import pytest
from asgiref.sync import async_to_sync, iscoroutinefunction, markcoroutinefunction
from django.conf.urls.i18n import i18n_patterns
from django.http import HttpResponse
from django.test import AsyncClient
from django.urls import path
from oauth2_provider.models import AccessToken
from rest_framework.decorators import api_view
from rest_framework.response import Response

from api_guard import guard

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


@guard(read="notes:read")
@api_view(["GET"])
def notes(request):
    return Response("notes")


def plain(request):
    return HttpResponse("plain")


urlpatterns = i18n_patterns(path("notes", notes), path("plain", plain))

OTHER = "tests.exposed_urls"
LOCALE = "django.middleware.locale.LocaleMiddleware"
SECURITY = "django.middleware.security.SecurityMiddleware"


class OtherUrls:
    """It chooses the URLconf, as a middleware for tenants or hosts does."""

    sync_capable = async_capable = True

    def __init__(self, get_response):
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request):
        request.urlconf = OTHER
        return self.get_response(request)


@pytest.fixture(params=["/de/notes", "/fr/notes", "/en/notes", "/notes"])
def url(request, settings):
    """The path of a view that the path alone does not name when a request comes in."""
    module = type(sys)(OTHER)
    module.urlpatterns = [path("notes", notes), path("plain", plain)]
    sys.modules[OTHER] = module
    chosen = f"{__name__}.OtherUrls" if request.param == "/notes" else LOCALE
    settings.MIDDLEWARE = [settings.MIDDLEWARE[0], chosen, *settings.MIDDLEWARE[1:]]
    settings.API_GUARD = {**settings.API_GUARD, "REVOKE_EXPOSED_TOKENS": True}
    return request.param


@pytest.fixture
def access(alice, application, give, issue):
    for grantee in (alice, application):
        give(grantee, "notes:read")
    return issue("notes:read", user=alice).token


@pytest.fixture(params=["sync", "async"])
def get(request, client):
    return client.get if request.param == "sync" else async_to_sync(AsyncClient().get)


def code(response):
    return response.status_code, response.json().get("code")


def test_a_token_in_the_query_string_is_refused_and_revoked(get, url, access):
    assert code(get(f"{url}?access_token={access}")) == (400, "token_in_query")
    assert not AccessToken.objects.exists()


def test_a_request_in_clear_is_refused_and_its_token_revoked(get, url, access, settings):
    settings.SECURE_SSL_REDIRECT = True
    headers = {"Authorization": f"Bearer {access}"}
    assert code(get(url, headers=headers)) == (403, "insecure_transport")
    assert not AccessToken.objects.exists()


def test_what_comes_as_it_should_is_answered(client, url, access, settings):
    settings.SECURE_SSL_REDIRECT = True
    headers = {"Authorization": f"Bearer {access}"}
    response = client.get(url, headers=headers, secure=True)
    assert (response.status_code, response.json()) == (200, "notes")
    assert AccessToken.objects.exists()


def test_a_plain_view_is_left_alone(get, url, access, settings):
    settings.SECURE_SSL_REDIRECT = True
    place = url.replace("notes", "plain")
    assert get(f"{place}?access_token={access}").status_code == 200
    assert AccessToken.objects.exists()


@pytest.mark.parametrize("url", ["/de/notes"], indirect=True)
def test_a_path_with_a_language_is_not_even_redirected(get, url, access, settings):
    settings.SECURE_SSL_REDIRECT = True
    settings.MIDDLEWARE = [settings.MIDDLEWARE[0], SECURITY, *settings.MIDDLEWARE[1:]]
    assert code(get(url)) == (403, "insecure_transport")
    assert get("/de/plain").status_code == 301
    assert get("/de/nowhere").status_code == 301
