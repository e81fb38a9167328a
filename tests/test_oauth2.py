"""The authorization server issues only what was granted."""

from __future__ import annotations

import base64

import pytest
from django.urls import reverse
from django.urls.exceptions import NoReverseMatch
from oauth2_provider.models import Application
from rest_framework.decorators import api_view
from rest_framework.response import Response

from api_guard import grants, guard
from api_guard.oauth2 import GrantedScopes

pytestmark = pytest.mark.django_db

SECRET = "secret"


@guard(read="notes:read")
@api_view(["GET"])
def notes(request):
    return Response("notes")


@pytest.fixture
def client_app(db):
    return Application.objects.create(
        client_secret=SECRET,
        client_type="confidential",
        authorization_grant_type="client-credentials",
    )


def ask(client, application, **data):
    basic = base64.b64encode(f"{application.client_id}:{SECRET}".encode()).decode()
    data = {"grant_type": "client_credentials", **data}
    return client.post("/o/token/", data, HTTP_AUTHORIZATION=f"Basic {basic}")


def test_a_client_is_issued_only_scopes_granted_to_it(client, client_app):
    refused = ask(client, client_app, scope="notes:read")
    assert refused.status_code == 400
    assert refused.json()["error"] == "invalid_scope"
    row = grants.grant("notes:read", client_app, by=grants.System("a test"))
    issued = ask(client, client_app, scope="notes:read")
    assert (issued.status_code, issued.json()["scope"]) == (200, "notes:read")
    assert ask(client, client_app, scope="notes:read notes:write").status_code == 400
    grants.revoke(row, by=grants.System("a test"))
    assert ask(client, client_app, scope="notes:read").status_code == 400


def test_a_client_that_names_no_scope_gets_what_it_was_granted(client, client_app):
    grants.grant("notes:read", client_app, by=grants.System("a test"))
    grants.grant("audit:read", client_app, by=grants.System("a test"))
    assert ask(client, client_app).json()["scope"] == "audit:read notes:read"


def test_a_scope_that_left_the_settings_is_issued_no_more(client_app, settings):
    grants.grant("notes:read", client_app, by=grants.System("a test"))
    settings.API_GUARD = {"SCOPES": {"other": "Other"}}
    assert GrantedScopes().get_available_scopes(client_app) == []


def test_protocol_scopes_are_issued_where_openid_connect_is_on(client_app, settings):
    backend = GrantedScopes()
    assert backend.get_available_scopes(client_app) == []
    settings.OAUTH2_PROVIDER = {**settings.OAUTH2_PROVIDER, "OIDC_ENABLED": True}
    assert "openid" in backend.get_available_scopes(client_app)
    assert backend.get_default_scopes(client_app) == []
    assert backend.get_all_scopes()["notes:read"] == "Read notes"


def test_the_server_s_metadata_name_every_scope_and_nobody_gets_them(settings):
    backend = GrantedScopes()
    assert backend.get_available_scopes() == sorted(settings.API_GUARD["SCOPES"])
    assert backend.get_available_scopes(None, request=object()) == []


def test_no_user_registers_a_client():
    assert reverse("oauth2_provider:token") == "/o/token/"
    assert reverse("oauth2_provider:authorized-token-list")
    for name in ("register", "list", "dcr-register"):
        with pytest.raises(NoReverseMatch):
            reverse(f"oauth2_provider:{name}")


def test_the_metadata_may_stand_at_the_root_too_and_are_named_there(client, settings):
    import sys

    from django.urls import include, path

    module = type(sys)("tests.rooted")
    module.urlpatterns = [
        path("o/", include("api_guard.oauth2.urls")),
        path("", include("api_guard.oauth2.metadata_urls")),
        path("notes", notes),
    ]
    sys.modules["tests.rooted"] = module
    settings.ROOT_URLCONF = "tests.rooted"
    where = "http://testserver/.well-known/oauth-protected-resource"
    assert f'resource_metadata="{where}"' in client.get("/notes")["WWW-Authenticate"]
    told = client.get(where).json()
    assert told["resource"] == "http://testserver"
    assert told["authorization_servers"] == ["http://testserver/o"]
    server = client.get("/.well-known/oauth-authorization-server/o").json()
    assert server["token_endpoint"] == "http://testserver/o/token/"
    assert server["issuer"] == "http://testserver/o"
