"""Where a refused client learns how to get a token (RFC 9728)."""

from __future__ import annotations

from django.http import HttpRequest
from oauth2_provider.settings import oauth2_settings
from rest_framework.request import Request


def resource_metadata(request: HttpRequest | Request) -> str | None:
    """Return the URL of this API's metadata; None where django-oauth-toolkit's is not mounted."""
    url: str | None = oauth2_settings.oauth2_resource_metadata_url(request)
    return url
