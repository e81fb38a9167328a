"""Keeps the attempt of a request, from Django's login until its outcome is known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from api_guard.limits.credentials.attempts import Attempt, begin

_ATTRIBUTE = "_api_guard_attempt"
_GATED = "_api_guard_gated"

# By context and not by request, because django-oauth-toolkit makes its own request objects.
_is_held: ContextVar[bool] = ContextVar("api_guard_attempt_held", default=False)
# The attempt of a login without a request.
_without_request: ContextVar[Attempt | None] = ContextVar("api_guard_attempt", default=None)


def open_attempt(request: Any, kind: str, account: str) -> None:
    """Begin an attempt and keep it with its request. Raises as `begin` does."""
    drop(request)  # an earlier attempt in this request, which did not fail
    _keep(request, begin(request, kind, account, is_told=is_gated(request)))


@contextmanager
def held() -> Iterator[None]:
    """Handle the attempt here: Django's login makes no attempt of its own inside."""
    token = _is_held.set(True)
    try:
        yield
    finally:
        _is_held.reset(token)


def is_held() -> bool:
    """Whether the current attempt is handled elsewhere."""
    return _is_held.get()


def fail(request: Any) -> None:
    """The attempt of this request has failed."""
    attempt = _kept(request)
    _keep(request, None)
    if attempt is not None:
        attempt.failed()


def succeed(request: Any) -> None:
    """The attempt of this request succeeded."""
    attempt = _kept(request)
    _keep(request, None)
    if attempt is not None:
        attempt.succeeded()


def drop(request: Any) -> None:
    """The attempt of this request did not fail. Its success was not reported."""
    attempt = _kept(request)
    _keep(request, None)
    if attempt is not None:
        attempt.dropped()


def end(request: Any, error: BaseException) -> None:
    """An exception has ended this request."""
    attempt = _kept(request)
    _keep(request, None)
    if attempt is not None:
        attempt.ended_by(error)


def is_open(request: Any) -> bool:
    """Whether the outcome of the attempt of this request is still unknown."""
    return _kept(request) is not None


def settle(request: Any, status: int) -> None:
    """Decide an open attempt by the status of the answer."""
    # A view that refuses later reports a failure; a view that crashes reports nothing.
    (fail if 400 <= status < 500 else drop)(request)


def mark_gated(request: Any) -> None:
    """Mark that GuardMiddleware handles this request."""
    setattr(_django(request), _GATED, True)


def is_gated(request: Any) -> bool:
    """Whether GuardMiddleware handles this request."""
    return hasattr(_django(request), _GATED)


def _django(request: Any) -> Any:
    return getattr(request, "_request", request)


def _kept(request: Any) -> Attempt | None:
    if request is None:
        return _without_request.get()
    return getattr(_django(request), _ATTRIBUTE, None)


def _keep(request: Any, attempt: Attempt | None) -> None:
    if request is None:
        _without_request.set(attempt)
    else:
        setattr(_django(request), _ATTRIBUTE, attempt)
