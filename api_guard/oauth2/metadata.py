"""The metadata of the authorization server and of the API, with one issuer and one resource."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.urls import path
from oauth2_provider import views
from oauth2_provider.settings import oauth2_settings

from api_guard import tokens
from api_guard.oauth2.validators.devices import GRANT_TYPE as DEVICE_CODE


class IssuerMixin:
    """Use the same issuer as codes, ID tokens and introspection (RFC 8414 §3.3, RFC 9207 §2.4).

    A URL with the path of another issuer is 404.
    """

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Return the metadata."""
        if not self._url(request, "token"):
            raise Http404("No authorization server.")
        issuer = oauth2_settings.oauth2_authorization_server_issuer(request)
        asked = kwargs.get("issuer_path")
        if asked is not None and asked.strip("/") != urlsplit(issuer).path.strip("/"):
            raise Http404("No such issuer.")
        view: Any = super()
        response = view.get(request, *args, **kwargs)
        told = json.loads(response.content)
        answer = JsonResponse({**told, **self._also(request, told), "issuer": issuer})
        answer.headers["Access-Control-Allow-Origin"] = "*"
        return answer

    def _also(self, request: HttpRequest, told: dict[str, Any]) -> dict[str, Any]:
        """Return metadata that the toolkit leaves out or that this site changes."""
        left_out = {
            DEVICE_CODE: not oauth2_settings.OAUTH_DEVICE_VERIFICATION_URI,
            "implicit": oauth2_settings.COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT,
            "password": oauth2_settings.COMPLIANT_BCP_RFC9700_PASSWORD_GRANT,
        }
        grant_types = _with(oauth2_settings.OAUTH2_GRANT_TYPES_SUPPORTED, DEVICE_CODE)
        secrets = told["token_endpoint_auth_methods_supported"]
        also = {
            "token_endpoint_auth_methods_supported": _with(secrets, "none"),
            "revocation_endpoint": self._url(request, "revoke-token"),
            "revocation_endpoint_auth_methods_supported": _with(secrets, "none"),
            "introspection_endpoint": self._url(request, "introspect"),
            # A token instead of a secret (RFC 8414 §2).
            "introspection_endpoint_auth_methods_supported": _with(secrets, "Bearer"),
            "protected_resources": list(tokens.audience()) or None,
            "request_parameter_supported": False,
            "request_uri_parameter_supported": False,
        }
        if oauth2_settings.OAUTH_DEVICE_VERIFICATION_URI:
            also["device_authorization_endpoint"] = self._url(request, "device-authorization")
        also["grant_types_supported"] = [each for each in grant_types if not left_out.get(each)]
        if "prompt_values_supported" in told:
            prompts = _with(told["prompt_values_supported"], "consent", "select_account")
            also["prompt_values_supported"] = prompts
        return {name: value for name, value in also.items() if value is not None}

    def _url(self, request: HttpRequest, name: str) -> str | None:
        view: Any = self
        url: str | None = view._get_endpoint_url(request, name)
        return url


class OAuthServerMetadataView(IssuerMixin, views.OAuthServerMetadataView):  # type: ignore[misc]
    """The metadata of the authorization server (RFC 8414)."""


class ConnectDiscoveryInfoView(IssuerMixin, views.ConnectDiscoveryInfoView):  # type: ignore[misc]
    """The metadata of the OpenID provider (OpenID Connect Discovery §4)."""


class OAuthProtectedResourceMetadataView(
    views.OAuthProtectedResourceMetadataView  # type: ignore[misc]
):
    """The metadata of the API (RFC 9728)."""

    def get_resource(self, request: HttpRequest) -> str:
        """Return an audience that is valid for tokens here.

        It is the audience of the settings. If there are several, it is the one of the request URL.
        """
        at = request.build_absolute_uri("/").rstrip("/")
        below = str(self.kwargs.get("resource_path", "")).strip("/")
        here = f"{at}/{below}" if below else at
        names = tokens.audience()
        own: str = oauth2_settings.OAUTH2_PROTECTED_RESOURCE_IDENTIFIER
        if own:
            return own
        # A client can ask only for an audience with a host (RFC 8707 §2, in the toolkit).
        urls = [name for name in names if urlsplit(name).netloc]
        alike = [name for name in urls if name.rstrip("/") == here]
        return next(iter([*alike, *urls, *names]), here)


def _with(values: list[str], *more: str) -> list[str]:
    return [*values, *(each for each in more if each not in values)]


_SERVER = ".well-known/oauth-authorization-server"
_PROVIDER = ".well-known/openid-configuration"
_RESOURCE = ".well-known/oauth-protected-resource"

oauth_urlpatterns = [
    path(_SERVER, OAuthServerMetadataView.as_view(), name="oauth-server-metadata"),
    path(
        f"{_SERVER}/<path:issuer_path>",
        OAuthServerMetadataView.as_view(),
        name="oauth-server-metadata-issuer",
    ),
    path(_RESOURCE, OAuthProtectedResourceMetadataView.as_view(), name="oauth-resource-metadata"),
    path(
        f"{_RESOURCE}/<path:resource_path>",
        OAuthProtectedResourceMetadataView.as_view(),
        name="oauth-resource-metadata-path",
    ),
]
openid_urlpatterns = [
    path(_PROVIDER, ConnectDiscoveryInfoView.as_view(), name="openid-configuration"),
    path(
        f"{_PROVIDER}/<path:issuer_path>",
        ConnectDiscoveryInfoView.as_view(),
        name="openid-configuration-issuer",
    ),
]
