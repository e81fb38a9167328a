"""Lets django-oauth-toolkit read, where it decides, from the database that is written to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any

from django.contrib.auth import get_user_model
from django.db import router
from oauth2_provider.models import (
    get_access_token_model,
    get_application_model,
    get_device_grant_model,
    get_grant_model,
    get_id_token_model,
    get_refresh_token_model,
)

_is_deciding: ContextVar[bool] = ContextVar("api_guard_is_deciding", default=False)


class _DecidingRouter:
    """Leads reads of clients, users, tokens and codes to where they are written, while deciding."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        if _is_deciding.get() and model._meta.concrete_model in _models():
            return router.db_for_write(model, **hints)
        return None


_router = _DecidingRouter()


def _models() -> tuple[Any, ...]:
    return (
        get_access_token_model(),
        get_application_model(),
        get_device_grant_model(),
        get_grant_model(),
        get_id_token_model(),
        get_refresh_token_model(),
        get_user_model(),
    )


@contextmanager
def deciding() -> Iterator[None]:
    """Read what decides from no replica, in which a revoked token lives on while it lags.

    The toolkit's queries leave the database to the project's routers, so that one is put before
    them. It has no say outside of this.
    """
    if _router not in router.routers:
        router.routers.insert(0, _router)
    token = _is_deciding.set(True)
    try:
        yield
    finally:
        _is_deciding.reset(token)


def as_deciding(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let a view of the toolkit decide so."""

    @wraps(view)
    def answer(*args: Any, **kwargs: Any) -> Any:
        with deciding():
            return view(*args, **kwargs)

    return answer
