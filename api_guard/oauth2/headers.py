"""Response headers of the authorization server, and checks of its request parameters."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from rest_framework.views import set_rollback

from api_guard.exceptions import is_fault

logger = logging.getLogger("api_guard.oauth2")

View = Callable[..., HttpResponseBase]

_BAD_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")
_REPEATED = ("resource",)  # RFC 8707 §2
_ADDRESSES = ("redirect_uri", "post_logout_redirect_uri", "resource")


def as_endpoint(view: View) -> View:
    """Forbid caching of the responses of an endpoint for clients (RFC 6749 §5.1)."""
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
    return _with_headers(_as_json(view), headers)


def as_page(view: View) -> View:
    """Forbid caching and framing of a page (RFC 9700 §4.16), and hide its URL (§4.2.4)."""
    return _with_headers(
        view,
        {
            "Cache-Control": "no-store",
            "Content-Security-Policy": "frame-ancestors 'none'",
            # With "no-referrer", a browser sends no origin with the form, and Django refuses it.
            "Referrer-Policy": "same-origin",
            "X-Frame-Options": "DENY",
        },
    )


def _as_json(view: View) -> View:
    """Set the content type of JSON responses. The toolkit omits it for errors of oauthlib."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        if isinstance(response, HttpResponse) and response.content.startswith(b"{"):
            response.headers["Content-Type"] = "application/json"
        return response

    return answer


def _with_headers(view: View, headers: dict[str, str]) -> View:
    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            response = _refuse_unreadable(request) or view(request, *args, **kwargs)
        except Exception as error:
            if not is_fault(error):
                raise
            logger.exception("The request to %s failed.", request.path)
            set_rollback()
            response = JsonResponse({"error": "temporarily_unavailable"}, status=503)
            response.headers["Retry-After"] = "5"
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        return response

    return answer


def _refuse_unreadable(request: HttpRequest) -> HttpResponseBase | None:
    """Refuse null characters, invalid URIs, and repeated parameters (RFC 6749 §3.1 and §3.2).

    PostgreSQL cannot look up a null character.
    """
    if _BAD_ESCAPE.search(request.META.get("QUERY_STRING", "")):
        return _invalid("The query cannot be decoded.")
    given = [*request.GET.lists(), *request.POST.lists()]
    if any(len(values) > 1 and name not in _REPEATED for name, values in given):
        return _invalid("A parameter is sent twice.")
    if any("\0" in text for name, values in given for text in (name, *values)):
        return _invalid("A parameter contains a null character.")
    addresses = (text for name, values in given if name in _ADDRESSES for text in values)
    if not all(_is_readable(uri) for text in addresses for uri in text.split()):
        return _invalid("A URI is not valid.")
    return None


def _is_readable(uri: str) -> bool:
    try:
        _ = urlsplit(uri).port
    except ValueError:
        return False
    return True


def _invalid(description: str) -> JsonResponse:
    body = {"error": "invalid_request", "error_description": description}
    return JsonResponse(body, status=400)
