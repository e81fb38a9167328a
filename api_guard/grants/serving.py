"""The request that is being served, for whoever has to say on whose behalf something is done."""

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
    """Say that this request is being served, here and in whatever runs in this context."""
    token = _request.set(request)
    try:
        yield
    finally:
        _request.reset(token)


def current_request() -> HttpRequest | None:
    """Return the request that is being served, None outside of one."""
    return _request.get()


def current_user() -> models.Model | None:
    """Return the user of the request that is being served, None where nobody is signed in."""
    user: Any = getattr(_request.get(), "user", None)
    is_known = getattr(user, "is_authenticated", False) is True and isinstance(user, models.Model)
    return user if is_known else None
