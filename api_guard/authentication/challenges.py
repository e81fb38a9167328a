"""What a refused client is told: the challenge, and the URL of the metadata (RFC 9728)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from oauth2_provider.settings import oauth2_settings
from rest_framework.request import Request


def resource_metadata(request: HttpRequest | Request) -> str | None:
    """Return the URL of this API's metadata, or None if no such route is mounted.

    It prefers the route at the root of the site, because that describes the whole site.
    """
    try:
        return request.build_absolute_uri(reverse("oauth2_metadata:oauth-resource-metadata"))
    except NoReverseMatch:
        url: str | None = oauth2_settings.oauth2_resource_metadata_url(request)
        return url


def challenge_of(authenticator: Any, request: Any) -> str:
    """Return what an authenticator says in `WWW-Authenticate`; an empty text for nothing.

    DRF requires only `authenticate()`, and its own ForcedAuthentication has nothing else.
    """
    ask = getattr(authenticator, "authenticate_header", None)
    return (ask(request) if ask else None) or ""
