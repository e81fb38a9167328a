"""What the server and the API say of themselves, wherever they are asked."""

from __future__ import annotations

import sys
from urllib.parse import parse_qs, urlsplit

import jwt as pyjwt
import pytest
from django.urls import include, path
from oauth2_provider.models import AccessToken
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import guard
from tests.authorization import ask, checksum, consent, hidden_of, redeem
from tests.authorization import granted as granted
from tests.authorization import web_app as web_app
from tests.authorization import with_devices as with_devices
from tests.authorization import with_oidc as with_oidc

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


@guard(read="notes:read")
class Notes(APIView):
    def get(self, request):
        return Response([])


urlpatterns = [
    path("o/", include("api_guard.oauth2.urls")),
    path("", include("api_guard.oauth2.metadata_urls")),
    path("v1/notes", Notes.as_view()),
]

SERVER = ".well-known/oauth-authorization-server"
PROVIDER = ".well-known/openid-configuration"
RESOURCE = ".well-known/oauth-protected-resource"
EVERYWHERE = [
    f"/{SERVER}",
    f"/{SERVER}/o",
    f"/o/{SERVER}",
    f"/{PROVIDER}",
    f"/{PROVIDER}/o",
    f"/o/{PROVIDER}",
    f"/o/{PROVIDER}/",
]


def set_provider(settings, **values):
    settings.OAUTH2_PROVIDER = {**settings.OAUTH2_PROVIDER, **values}


@pytest.mark.usefixtures("with_oidc")
@pytest.mark.parametrize("named", ["", "https://auth.example/o", "https://auth.example"])
def test_there_is_one_issuer(client, alice, granted, settings, named):
    set_provider(settings, OIDC_ISS_ENDPOINT=named, COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS=True)
    issuer = named or "http://testserver/o"
    at = [url for url in EVERYWHERE if named != "https://auth.example" or not url.endswith("/o")]
    told = {url: client.get(url) for url in at}
    assert {url: answer.json()["issuer"] for url, answer in told.items()} == dict.fromkeys(
        at, issuer
    )
    assert {answer["Access-Control-Allow-Origin"] for answer in told.values()} == {"*"}
    client.force_login(alice)
    page = ask(client, scope="openid notes:read", nonce="n")
    declined = client.post("/o/authorize/", hidden_of(page))
    back = consent(client, ask(client, scope="openid notes:read", nonce="n"))
    pair = redeem(client, back["code"]).json()
    claims = pyjwt.decode(pair["id_token"], options={"verify_signature": False})
    assert [claims["iss"], back["iss"]] == [issuer] * 2
    assert parse_qs(urlsplit(declined["Location"]).query)["iss"] == [issuer]
    assert client.get(f"/{RESOURCE}").json()["authorization_servers"] == [issuer]


@pytest.mark.usefixtures("with_oidc")
@pytest.mark.parametrize("where", [SERVER, PROVIDER])
@pytest.mark.parametrize("path", ["tenant", "o/tenant", "O", "o%2F..", "https://evil.example"])
def test_there_is_no_other_issuer(client, where, path):
    assert client.get(f"/{where}/{path}").status_code == 404


def test_without_openid_connect_there_is_no_provider(client):
    for url in EVERYWHERE:
        assert client.get(url).status_code == (404 if "openid" in url else 200)


@pytest.mark.usefixtures("with_oidc", "with_devices")
@pytest.mark.parametrize("url", EVERYWHERE)
def test_what_a_client_may_do_is_named(client, url):
    told = client.get(url).json()
    for name, end in (
        ("authorization", "authorize"),
        ("token", "token"),
        ("revocation", "revoke_token"),
        ("introspection", "introspect"),
        ("device_authorization", "device-authorization"),
    ):
        assert told[f"{name}_endpoint"] == f"http://testserver/o/{end}/"
    assert set(told["token_endpoint_auth_methods_supported"]) == {
        "none",
        "client_secret_basic",
        "client_secret_post",
    }
    assert "none" in told["revocation_endpoint_auth_methods_supported"]
    assert "none" not in told["introspection_endpoint_auth_methods_supported"]
    assert "Bearer" in told["introspection_endpoint_auth_methods_supported"]
    assert "urn:ietf:params:oauth:grant-type:device_code" in told["grant_types_supported"]
    assert told["request_parameter_supported"] is False
    if "prompt_values_supported" in told:
        assert set(told["prompt_values_supported"]) == {
            "none",
            "login",
            "consent",
            "select_account",
        }


@pytest.mark.usefixtures("with_oidc")
@pytest.mark.parametrize("is_gated", [True, False])
def test_both_documents_name_the_grants_that_there_are(client, settings, is_gated):
    set_provider(
        settings,
        COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT=is_gated,
        COMPLIANT_BCP_RFC9700_PASSWORD_GRANT=is_gated,
    )
    one, other = (client.get(f"/{name}").json() for name in (SERVER, PROVIDER))
    assert one["grant_types_supported"] == other["grant_types_supported"]
    assert {"authorization_code", "refresh_token"} <= set(one["grant_types_supported"])
    assert ("implicit" in one["grant_types_supported"]) is not is_gated


@pytest.mark.usefixtures("with_oidc")
@pytest.mark.parametrize("name", [SERVER, f"{SERVER}/o", PROVIDER])
def test_where_no_server_is_routed_there_is_none(client, settings, name):
    module = type(sys)("tests.resource_only")
    module.urlpatterns = [path("", include("api_guard.oauth2.metadata_urls"))]
    sys.modules["tests.resource_only"] = module
    settings.ROOT_URLCONF = "tests.resource_only"
    assert client.get(f"/{name}").status_code == 404
    assert client.get(f"/{RESOURCE}").json()["resource"] == "http://testserver"


def test_without_a_page_for_its_user_no_device_is_invited(client):
    told = client.get(f"/{SERVER}").json()
    assert "device_authorization_endpoint" not in told
    assert not [name for name in told["grant_types_supported"] if "device" in name]


@pytest.mark.parametrize(
    ("identifier", "audience", "at", "resource"),
    [
        ("", [], "", "http://testserver"),
        ("", [], "/v1/notes", "http://testserver/v1/notes"),
        ("https://api.example", [], "", "https://api.example"),
        ("https://api.example", ["urn:api"], "", "https://api.example"),
        ("", ["https://api.example/"], "", "https://api.example/"),
        ("", ["urn:api", "http://testserver/"], "", "http://testserver/"),
        ("", ["urn:api", "http://testserver/v1/"], "/v1", "http://testserver/v1/"),
        ("", ["urn:api", "http://testserver/v1/"], "/v2", "http://testserver/v1/"),
        ("", ["urn:api"], "", "urn:api"),
    ],
)
def test_the_api_accepts_the_resource_that_its_metadata_name(
    client, alice, web_app, granted, settings, identifier, audience, at, resource
):
    set_provider(settings, OAUTH2_PROTECTED_RESOURCE_IDENTIFIER=identifier)
    settings.API_GUARD = {**settings.API_GUARD, "AUDIENCE": audience}
    assert client.get(f"/{RESOURCE}{at}").json()["resource"] == resource
    if not at:
        assert client.get(f"/o/{RESOURCE}").json()["resource"] == resource
    for named, status in ((resource, 200), ("https://other.example/", 401)):
        token = AccessToken.objects.create(
            user=alice,
            application=web_app,
            scope="notes:read",
            token=checksum(named),
            resource=[named],
            expires="2999-01-01T00:00:00Z",
        )
        answer = client.get("/v1/notes", HTTP_AUTHORIZATION=f"Bearer {token.token}")
        assert answer.status_code == status


@pytest.mark.parametrize("identifier", ["https://api.example", ""])
def test_the_server_names_its_resources(client, settings, identifier):
    """RFC 9728 §4."""
    set_provider(settings, OAUTH2_PROTECTED_RESOURCE_IDENTIFIER=identifier)
    assert "protected_resources" not in client.get(f"/{SERVER}").json() or identifier
    settings.API_GUARD = {**settings.API_GUARD, "AUDIENCE": ["urn:api"]}
    expected = ["urn:api", *([identifier] if identifier else [])]
    assert client.get(f"/{SERVER}").json()["protected_resources"] == expected


def test_a_token_of_an_identifier_is_good_for_what_lies_below_it(
    client, alice, web_app, granted, settings
):
    set_provider(settings, OAUTH2_PROTECTED_RESOURCE_IDENTIFIER="https://api.example")
    for named, status in (
        ("https://api.example/v1", 200),
        ("https://api.example/v2", 401),
        ("http://testserver/v1", 200),
    ):
        token = AccessToken.objects.create(
            user=alice,
            application=web_app,
            scope="notes:read",
            token=checksum(named),
            resource=[named],
            expires="2999-01-01T00:00:00Z",
        )
        answer = client.get("/v1/notes", HTTP_AUTHORIZATION=f"Bearer {token.token}")
        assert answer.status_code == status, named
