"""Makes django-oauth-toolkit read from the primary database, not from a replica."""

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
    """Sends reads of clients, users, tokens and codes to the database that they are written to."""

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
    """Read from the primary database: in a replica, a revoked token may still be valid.

    The toolkit's queries use the project's routers, so this adds a router before them. The router
    has no effect outside of this context.
    """
    if _router not in router.routers:
        router.routers.insert(0, _router)
    token = _is_deciding.set(True)
    try:
        yield
    finally:
        _is_deciding.reset(token)


def as_deciding(view: Callable[..., Any]) -> Callable[..., Any]:
    """Run a view of the toolkit in `deciding()`."""

    @wraps(view)
    def answer(*args: Any, **kwargs: Any) -> Any:
        with deciding():
            return view(*args, **kwargs)

    return answer
