"""The response to a client that does not authenticate correctly (RFC 6749 §2.3)."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import unquote_plus

from django.http import HttpRequest, HttpResponseBase, JsonResponse

from api_guard.core.challenges import REALM, bearer_challenge, quoted
from api_guard.limits.credentials import account_of_basic

View = Callable[..., HttpResponseBase]

# In a body: a secret, and a signed assertion (RFC 7523).
_SECRETS = ("client_secret", "client_assertion")


def challenge_clients(view: View, *, takes_tokens: bool) -> View:
    """Refuse two credentials at once, and challenge with the scheme that the client used (§5.2).

    With `takes_tokens`, a client may also authenticate with an access token.
    """

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        field = request.META.get("HTTP_AUTHORIZATION", "")
        flaw = _flaw(request, field)
        if flaw:
            body = {"error": "invalid_request", "error_description": flaw}
            return JsonResponse(body, status=400)
        scheme = field.partition(" ")[0].lower()
        response = view(request, *args, **kwargs)
        if response.status_code == 401 and not (takes_tokens and scheme == "bearer"):
            # oauthlib sends a Bearer challenge, but the client has to send its secret.
            response.headers["WWW-Authenticate"] = f"Basic realm={quoted(REALM)}"
        return response

    return answer


def challenge_callers(view: View) -> View:
    """Challenge a request without a token without naming an error (RFC 6750 §3)."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        if response.status_code == 401 and not request.META.get("HTTP_AUTHORIZATION"):
            response.headers["WWW-Authenticate"] = bearer_challenge()
        return response

    return answer


def _flaw(request: HttpRequest, field: str) -> str:
    """Return what is wrong with the credentials of a client, or ""."""
    in_body = [name for name in _SECRETS if request.POST.get(name)]
    if len(in_body) + bool(field) > 1:
        return "Send only one credential of the client."
    account, named = account_of_basic(field), request.POST.get("client_id")
    if account is not None and named and unquote_plus(account) != named:
        return "The header and the body name two clients."
    return ""
