"""Limits failed attempts at the authorization server's endpoints."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext, suppress
from functools import wraps
from typing import Any
from urllib.parse import unquote_plus

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

from api_guard.exceptions import Refusal
from api_guard.limits import credentials
from api_guard.limits.credentials import Attempt, account_of_basic

# The errors for an invalid code, refresh token or access token.
_BAD_TOKENS = ("invalid_grant", "invalid_token")

View = Callable[..., HttpResponseBase]


def limit_secrets(view: View) -> View:
    """Count secrets and passwords before `view` verifies them, and bad codes and tokens after."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        clients: list[Attempt] = []
        users: list[Attempt] = []
        try:
            _begin_all(request, clients, users)
            with credentials.held() if users else nullcontext():
                response = view(request, *args, **kwargs)
            error = _error_of(response)
            if error in _BAD_TOKENS and not users:
                credentials.count_bad(request)
        except Refusal as refusal:
            _each(clients + users, Attempt.dropped)
            return _refused(refusal)
        except BaseException as raised:
            # The attempt has no result. An outage must not block the client, also where the server
            # ends a worker that hangs (SystemExit).
            for attempt in clients + users:
                attempt.ended_by(raised)
            raise
        _judge(response.status_code, error, clients, users)
        return response

    return answer


def limit_user_codes(view: View) -> View:
    """Count the device codes that a user enters, because they are short (RFC 8628 §5.1)."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method != "POST" or not request.user.is_authenticated:
            return view(request, *args, **kwargs)
        try:
            attempt = credentials.begin(request, "device code of user", str(request.user.pk))
        except Refusal as refusal:
            return _refused(refusal)
        attempts = [attempt] if attempt is not None else []
        try:
            response = view(request, *args, **kwargs)
        except BaseException as raised:
            for each in attempts:
                each.ended_by(raised)
            raise
        is_bad = response.status_code != 302 and response.status_code < 500
        _each(attempts, Attempt.failed if is_bad else Attempt.dropped)
        return response

    return answer


def _begin_all(request: HttpRequest, clients: list[Attempt], users: list[Attempt]) -> None:
    given = _parameters(request)
    names: list[tuple[list[Attempt], str, str]] = []
    in_header = account_of_basic(request.META.get("HTTP_AUTHORIZATION", ""))
    if in_header is not None:
        names.append((clients, "client", unquote_plus(in_header)))  # RFC 6749 §2.3.1
    if given.get("client_secret"):
        # Also if there is a header: django-oauth-toolkit then verifies both.
        names.append((clients, "client", str(given.get("client_id") or "")))
    if given.get("grant_type") == "password":
        names.append((users, "user", str(given.get("username") or "")))
    for attempts, kind, name in names:
        attempt = credentials.begin(request, kind, name)
        attempts += [attempt] if attempt is not None else []


def _judge(status: int, error: object, clients: list[Attempt], users: list[Attempt]) -> None:
    """Record the result of each attempt, as far as the response shows it."""
    is_client_bad = error == "invalid_client" or status == 401
    if status == 200:
        # Only one of two secrets was verified, and the response does not show which.
        _each(clients, Attempt.succeeded if len(clients) == 1 else Attempt.failed)
        _each(users, Attempt.succeeded)
    elif status >= 500:
        _each(clients + users, Attempt.dropped)
    else:
        # Otherwise the secret was not checked, or it was correct and something else was wrong.
        _each(clients, Attempt.failed if is_client_bad else Attempt.dropped)
        _each(users, Attempt.failed if error == "invalid_grant" else Attempt.dropped)


def _each(attempts: list[Attempt], say: Callable[[Attempt], None]) -> None:
    for attempt in attempts:
        say(attempt)


def _parameters(request: HttpRequest) -> dict[str, Any]:
    # As django-oauth-toolkit reads them: the last of several values, and body before query.
    found: dict[str, Any] = {**request.GET.dict(), **request.POST.dict()}
    if request.content_type == "application/json":
        with suppress(ValueError):
            body = json.loads(request.body)
            found |= body if isinstance(body, dict) else {}
    return found


def _error_of(response: HttpResponseBase) -> str | None:
    if response.status_code < 400 or not isinstance(response, HttpResponse):
        return None
    try:
        body = json.loads(response.content)
    except ValueError:
        return None
    return body.get("error") if isinstance(body, dict) else None


def _refused(refusal: Refusal) -> HttpResponseBase:
    """Return the refusal in the format of RFC 6749 §5.2."""
    body = {"error": refusal.default_code, "error_description": str(refusal.default_detail)}
    response = JsonResponse(body, status=refusal.status_code)
    response.headers["Retry-After"] = str(refusal.wait or 1)
    return response
