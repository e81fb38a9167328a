"""How a client authenticates itself, and what it hears where that was wrong (RFC 6749 §2.3)."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase, JsonResponse

from api_guard.core.challenges import REALM, quoted

View = Callable[..., HttpResponseBase]


def challenge_clients(view: View, *, takes_tokens: bool) -> View:
    """Refuse two secrets at once, and challenge by the scheme that was tried (§5.2).

    `takes_tokens` says that a client may also come with an access token.
    """

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        scheme = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")[0].lower()
        if scheme == "basic" and request.POST.get("client_secret"):
            text = "A client authenticates itself by the header or in the body, and not by both."
            body = {"error": "invalid_request", "error_description": text}
            return JsonResponse(body, status=400)
        response = view(request, *args, **kwargs)
        if response.status_code == 401 and not (takes_tokens and scheme == "bearer"):
            # oauthlib challenges by Bearer, which no client can answer with its secret.
            response.headers["WWW-Authenticate"] = f"Basic realm={quoted(REALM)}"
        return response

    return answer
