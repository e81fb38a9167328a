"""The current request, for code that has to know which user acts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import models
from django.http import HttpRequest

_request: ContextVar[HttpRequest | None] = ContextVar("api_guard_request", default=None)


@contextmanager
def serving(request: HttpRequest) -> Iterator[None]:
    """Make `request` the current request in this context."""
    token = _request.set(request)
    try:
        yield
    finally:
        _request.reset(token)


def current_request() -> HttpRequest | None:
    """Return the current request, or None outside of a request."""
    return _request.get()


def current_user() -> models.Model | None:
    """Return the user of the current request, or None if no user is signed in."""
    user: Any = getattr(_request.get(), "user", None)
    is_known = getattr(user, "is_authenticated", False) is True and isinstance(user, models.Model)
    return user if is_known else None
