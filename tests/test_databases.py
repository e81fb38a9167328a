"""One database decides: what the guard reads of grants, tokens, codes and clients is no replica's.

The router of these tests sends reads of those tables to a database that does not exist, so that a
single one is an error. tests/test_replica.py shows the same with a replica that lags.
"""

from __future__ import annotations

import contextvars
from contextlib import contextmanager
from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import router
from django.http import HttpResponse
from django.urls import include, path
from django.utils.connection import ConnectionDoesNotExist
from oauth2_provider.models import AccessToken, Application, DeviceGrant, RefreshToken
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import grants, guard, tokens
from api_guard.core.introspection import Claims
from api_guard.models import RateOverride, RemoteSubject, ScopeGrant, recorded
from api_guard.oauth2 import protected_resource
from api_guard.oauth2.deciding import as_deciding, deciding
from tests.authorization import FORM, ask, consent, login, redeem, refresh
from tests.authorization import granted as granted
from tests.authorization import web_app as web_app
from tests.authorization import with_devices as with_devices

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

_apps = contextvars.ContextVar("apps", default=())


class NoReplica:
    """Where a project would have a replica, this has nothing."""

    def db_for_read(self, model, **hints):
        return "nowhere" if model._meta.app_label in _apps.get() else None


@pytest.fixture(autouse=True)
def _router(settings):
    settings.DATABASE_ROUTERS = [f"{__name__}.NoReplica"]


@contextmanager
def no_replica(*apps):
    before = _apps.set(apps or ("api_guard", "auth", "oauth2_provider"))
    try:
        yield
    finally:
        _apps.reset(before)


@guard(read="notes:read", throttle="100/h")
class Notes(APIView):
    def get(self, request):
        return Response("notes")


@protected_resource(["notes:read"])
def plain(request):
    return HttpResponse("plain")


urlpatterns = [
    path("notes", Notes.as_view()),
    path("plain", plain),
    path("o/", include("api_guard.oauth2.urls")),
]


def test_what_these_tests_rest_on(alice):
    with no_replica(), pytest.raises(ConnectionDoesNotExist):
        ScopeGrant.objects.exists()


def test_grants_are_written_and_read_in_one_place(alice):
    with no_replica():
        row = grants.grant("notes:read", alice, by=grants.System("a test"))
        assert grants.ensure("notes:read", alice, by=grants.System("a test")) == row
        assert grants.extend(row, None, by=grants.System("a test")) == row
        assert grants.granted(alice, None)[0].user == {"notes:read"}
        assert list(grants.live()) == list(grants.held(alice)) == [grants.get(row.pk)]
        row.reason = "changed"
        with recorded():
            row.save()
        assert row.live == 1
        row.refresh_from_db(from_queryset=grants.live())
        assert grants.revoke(row, by=grants.System("a test")).live is None
        assert grants.revoke_all(alice, by=grants.System("a test")) == 0
        override = RateOverride.objects.create(name="budget:api/h", limit=5, user=alice)
        assert grants.granted_with_overrides(alice, None)[2][0].limit == 5
        override.limit = 6
        override.save()


def test_a_bearer_token_is_judged_by_what_is_written(api, alice, application, issue, give):
    for grantee in (alice, application):
        give(grantee, "notes:read")
    access = issue("notes:read", user=alice)
    with no_replica():
        for url in ("/notes", "/plain"):
            assert api.by_token(access).get(url).status_code == 200
        get_user_model().objects.filter(pk=alice.pk).update(is_active=False)
        assert api.get("/notes").status_code == 401


def test_a_subject_of_another_server_is_too(alice, application):
    RemoteSubject.objects.create(issuer="https://a", subject="1", user=alice)
    claims = Claims("notes:read", application.client_id, "1", None)
    with no_replica():
        found = tokens.locate(claims, "https://a")
        assert (found.user, found.application_id) == (alice, application.pk)


def test_from_a_consent_to_a_refresh_and_a_revocation(client, alice, granted):
    client.force_login(alice)
    with no_replica():
        pair = redeem(client, consent(client, ask(client))["code"]).json()
        pair = refresh(client, pair).json()
        assert pair["scope"] == "notes:read notes:write"
        used = {"token": pair["access_token"]}
        assert client.post("/o/revoke_token/", used, HTTP_AUTHORIZATION=login()).status_code == 200
        assert "error" in refresh(client, pair).json()
    assert not AccessToken.objects.exists()


def test_a_code_that_comes_twice(client, alice, granted):
    client.force_login(alice)
    code = consent(client, ask(client))["code"]
    with no_replica():
        assert redeem(client, code).status_code == 200
        assert redeem(client, code).json()["error"] == "invalid_grant"
    assert not RefreshToken.objects.filter(revoked__isnull=True).exists()


def test_a_client_on_its_own_behalf_and_an_introspection(client, application, give, settings):
    scopes = {**settings.API_GUARD["SCOPES"], "introspection": "Introspect"}
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": scopes}
    give(application, "notes:read", "introspection")
    application.client_secret = "secret"
    application.save()
    who = {"HTTP_AUTHORIZATION": login(application.client_id)}
    with no_replica():
        data = {"grant_type": "client_credentials", "scope": "notes:read"}
        access = client.post("/o/token/", data, **who).json()["access_token"]
        told = client.post("/o/introspect/", {"token": access}, **who).json()
    assert (told["active"], told["scope"]) == (True, "notes:read")


def test_a_device(client, alice, give, with_devices):
    device = Application.objects.create(
        client_id="tv",
        client_type="public",
        authorization_grant_type="urn:ietf:params:oauth:grant-type:device_code",
    )
    for grantee in (alice, device):
        give(grantee, "notes:read")
    client.force_login(alice)
    with no_replica():
        asked = "client_id=tv&scope=notes%3Aread"
        started = client.post("/o/device-authorization/", asked, content_type=FORM).json()
        done = client.post("/o/device/", {"user_code": started["user_code"]})
        assert "Read notes" in client.get(done["Location"]).content.decode()
        client.post(done["Location"], {"action": "accept"})
        asked = {
            "client_id": "tv",
            "device_code": started["device_code"],
            "grant_type": device.authorization_grant_type,
        }
        assert client.post("/o/token/", asked).json()["scope"] == "notes:read"
    assert not DeviceGrant.objects.exists()


def test_every_token_is_revoked_where_it_is_written(alice, application, issue):
    for user in (alice, None):
        issue("notes:read", user=user)
    exposed = issue("notes:read", user=alice)
    with no_replica():
        assert tokens.revoke_exposed(exposed.token)
        assert tokens.revoke_tokens(alice) == 1
        assert tokens.revoke_tokens(application) == 1


def test_the_command_finds_whom_it_is_about(alice, application, give):
    give(alice, "notes:read", "notes:write")
    with no_replica():
        for grantee in (["--user", "alice"], ["--client", application.client_id]):
            call_command("guard_revoke", *grantee, "--by", "alice", stdout=StringIO())
        assert not grants.held(alice)


@pytest.mark.urls("tests.urls")
@pytest.mark.parametrize("model", ["scopegrant", "rateoverride", "remotesubject"])
def test_the_admin_shows_what_is_written(client, admin_user, application, give, model):
    give(application, "notes:read")
    client.force_login(admin_user)
    page = f"/admin/api_guard/{model}/"
    urls = [page, f"{page}add/"]
    if model == "scopegrant":
        pk = grants.held(application).get().pk
        urls += [f"{page}{pk}/change/", f"{page}?state=live", f"{page}end-access/"]
    # A session and its user follow the router.
    with no_replica("api_guard", "oauth2_provider"):
        for url in urls:
            assert client.get(url).status_code == 200, url


def test_outside_of_a_decision_reads_follow_the_router(alice):
    with no_replica():
        with deciding():
            assert Application.objects.count() == 0
            assert get_user_model().objects.get() == alice
        with pytest.raises(ConnectionDoesNotExist):
            Application.objects.count()
    assert as_deciding(lambda: router.db_for_read(ScopeGrant))() == "default"
    assert [type(each).__name__ for each in router.routers].count("_DecidingRouter") == 1
