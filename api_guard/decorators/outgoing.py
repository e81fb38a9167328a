"""Tells browsers to take an answer for what it is: data, which is neither run nor framed."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpResponseBase
from rest_framework.renderers import BrowsableAPIRenderer

_DATA = "default-src 'none'; frame-ancestors 'none'"
_PAGE = (
    "default-src 'none'; script-src {own}; style-src {own} 'unsafe-inline'; img-src {own} data:; "
    "font-src {own}; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


def protect(response: HttpResponseBase) -> None:
    """Set the headers that the view has not: no script for data, its own for the browsable API.

    A page of another renderer keeps what its project says of it.
    """
    headers = response.headers
    headers.setdefault("X-Content-Type-Options", "nosniff")
    renderer = getattr(response, "accepted_renderer", None)
    if isinstance(renderer, BrowsableAPIRenderer):
        headers.setdefault("Content-Security-Policy", _PAGE.format(own=_own_sources()))
    elif not _media_type(renderer, response).startswith("text/html"):
        headers.setdefault("Content-Security-Policy", _DATA)


def _media_type(renderer: object, response: HttpResponseBase) -> str:
    said = getattr(renderer, "media_type", None) or response.headers.get("Content-Type")
    return str(said or "")


def _own_sources() -> str:
    static = urlsplit(settings.STATIC_URL or "")
    return f"'self' {static.scheme}://{static.netloc}" if static.netloc else "'self'"
