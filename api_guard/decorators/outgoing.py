"""Sets the headers of an answer: for browsers, for caches, and for the rates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpResponseBase
from django.utils.cache import patch_vary_headers
from rest_framework.renderers import BrowsableAPIRenderer

from api_guard.access.callers import caller_of
from api_guard.core.rates import Usage, rate_limit_fields
from api_guard.core.requirements import Requirement

_DATA = "default-src 'none'; frame-ancestors 'none'"
_FRAMED_DATA = {"SAMEORIGIN": "default-src 'none'; frame-ancestors 'self'"}
_PAGE = (
    "default-src 'none'; script-src {own}; style-src {own} 'unsafe-inline'; img-src {own} data:; "
    "font-src {own}; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


def is_for_all(requirement: Requirement | None, request: Any) -> bool:
    """Whether a public view has answered a caller without a credential."""
    if requirement is None or not requirement.is_public:
        return False
    return not caller_of(request).is_authenticated


def set_headers(response: HttpResponseBase, usages: Iterable[Usage], *, is_for_all: bool) -> None:
    """Set the headers of a final answer. `is_for_all` allows shared caches to keep it."""
    headers = response.headers
    # Looked up here: `in` and setdefault() of Django raise and catch an exception for each header.
    present = {name.lower() for name in headers}
    if not is_for_all:
        # A cache in front of the view would answer other callers, and would answer after a revoke.
        if "cache-control" not in present:
            headers["Cache-Control"] = "private, no-store"
        if "vary" not in present:
            headers["Vary"] = "Authorization, Cookie"
        else:
            patch_vary_headers(response, ("Authorization", "Cookie"))
    if "x-content-type-options" not in present:
        headers["X-Content-Type-Options"] = "nosniff"
    if "content-security-policy" not in present:
        policy = _content_security_policy(response)
        if policy is not None:
            headers["Content-Security-Policy"] = policy
    for name, value in rate_limit_fields(usages).items():
        headers[name] = value


def _content_security_policy(response: HttpResponseBase) -> str | None:
    """Return the policy for browsers, which run no scripts except the browsable API's.

    A page of another renderer keeps the headers of its project.
    """
    renderer = getattr(response, "accepted_renderer", None)
    if isinstance(renderer, BrowsableAPIRenderer):
        return _PAGE.format(own=_own_sources())
    if _media_type(renderer, response).startswith("text/html"):
        return None
    # Browsers ignore X-Frame-Options beside frame-ancestors. A project that shows its own files in
    # its pages, such as a preview, says so by this header or by the setting.
    said = response.headers.get("X-Frame-Options") or settings.X_FRAME_OPTIONS
    return _FRAMED_DATA.get(str(said).upper(), _DATA)


def _media_type(renderer: object, response: HttpResponseBase) -> str:
    said = getattr(renderer, "media_type", None) or response.headers.get("Content-Type")
    return str(said or "")


def _own_sources() -> str:
    static = urlsplit(settings.STATIC_URL or "")
    return f"'self' {static.scheme}://{static.netloc}" if static.netloc else "'self'"
