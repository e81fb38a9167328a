"""The URL where a refused client learns how to get a token (RFC 9728)."""

from __future__ import annotations

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
