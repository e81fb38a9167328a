"""Where a refused client learns how to get a token (RFC 9728)."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from oauth2_provider.settings import oauth2_settings
from rest_framework.request import Request


def resource_metadata(request: HttpRequest | Request) -> str | None:
    """Return the URL of this API's metadata; None where no such route is mounted.

    The one at the root of the site, where there is one, for it speaks of the whole site.
    """
    try:
        return request.build_absolute_uri(reverse("oauth2_metadata:oauth-resource-metadata"))
    except NoReverseMatch:
        url: str | None = oauth2_settings.oauth2_resource_metadata_url(request)
        return url
