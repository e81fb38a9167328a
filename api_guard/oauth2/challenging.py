"""The response to a client that does not authenticate correctly (RFC 6749 §2.3)."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase, JsonResponse

from api_guard.core.challenges import REALM, quoted

View = Callable[..., HttpResponseBase]


def challenge_clients(view: View, *, takes_tokens: bool) -> View:
    """Refuse two secrets at once, and challenge with the scheme that the client used (§5.2).

    With `takes_tokens`, a client may also authenticate with an access token.
    """

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        scheme = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")[0].lower()
        if scheme == "basic" and request.POST.get("client_secret"):
            text = "Send the client secret in the header or in the body, not in both."
            body = {"error": "invalid_request", "error_description": text}
            return JsonResponse(body, status=400)
        response = view(request, *args, **kwargs)
        if response.status_code == 401 and not (takes_tokens and scheme == "bearer"):
            # oauthlib sends a Bearer challenge, but the client has to send its secret.
            response.headers["WWW-Authenticate"] = f"Basic realm={quoted(REALM)}"
        return response

    return answer
