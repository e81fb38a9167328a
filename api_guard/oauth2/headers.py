"""What the answers of the authorization server say to browsers and caches, and take from nobody."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase, JsonResponse

View = Callable[..., HttpResponseBase]


def as_endpoint(view: View) -> View:
    """Let nobody keep the answer of an endpoint that clients talk to (RFC 6749 §5.1)."""
    return _with_headers(view, {"Cache-Control": "no-store", "Pragma": "no-cache"})


def as_page(view: View) -> View:
    """Let nobody keep or frame a page on which a user decides (RFC 9700 §4.16), and say nothing
    of its address to the next (§4.2.4).
    """
    return _with_headers(
        view,
        {
            "Cache-Control": "no-store",
            "Content-Security-Policy": "frame-ancestors 'none'",
            "Referrer-Policy": "no-referrer",
            "X-Frame-Options": "DENY",
        },
    )


def _with_headers(view: View, headers: dict[str, str]) -> View:
    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = _refuse_null(request) or view(request, *args, **kwargs)
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        return response

    return answer


def _refuse_null(request: HttpRequest) -> HttpResponseBase | None:
    """Refuse a null character, which no parameter may hold and PostgreSQL cannot look up."""
    given = [*request.GET.lists(), *request.POST.lists()]
    if any("\0" in text for name, values in given for text in (name, *values)):
        body = {"error": "invalid_request", "error_description": "A parameter holds a null."}
        return JsonResponse(body, status=400)
    return None
