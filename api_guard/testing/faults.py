"""Breaks the database, the caches or the introspection endpoint, for as long as a test wants."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import urllib3
from django.core.cache import caches
from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from api_guard.limits.counters import faults, shared
from api_guard.tokens import introspection

_WHY = "broken by a test"
_WITHOUT_SERVER = (
    "close",
    "make_key",
    "make_and_validate_key",
    "validate_key",
    "get_backend_timeout",
)


@contextmanager
def broken_database() -> Iterator[None]:
    """Let every query of every database fail, as if its server were down."""
    before = [(each, each.needs_rollback) for each in connections.all(initialized_only=True)]
    with (
        patch.object(BaseDatabaseWrapper, "_cursor", _raise(OperationalError(_WHY))),
        patch.object(BaseDatabaseWrapper, "connect", _raise(OperationalError(_WHY))),
    ):
        yield
    for connection, needs_rollback in before:
        connection.needs_rollback = needs_rollback


@contextmanager
def broken_cache() -> Iterator[None]:
    """Let every cache fail, and the counters of rates with it, as if its server were down."""
    handler: Any = type(caches)
    find = handler.__getitem__
    with (
        patch.object(handler, "__getitem__", lambda self, alias: _BrokenCache(find(self, alias))),
        patch.object(shared, "_held", _raise(ConnectionError(_WHY))),
    ):
        yield
    faults.end_pause()


class _BrokenCache:
    """A cache that can still name a key, which needs no server."""

    def __init__(self, cache: Any) -> None:
        self._cache = cache

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._cache, name)
        if not callable(found) or name in _WITHOUT_SERVER:
            return found
        return _raise(ConnectionError(_WHY))

    def __contains__(self, key: object) -> bool:
        raise ConnectionError(_WHY)


@contextmanager
def broken_introspection() -> Iterator[None]:
    """Let the introspection endpoint of another authorization server fail."""
    error = urllib3.exceptions.HTTPError(_WHY)
    with patch.object(introspection._pool, "request", _raise(error)):
        yield


def _raise(error: Exception) -> Any:
    def fail(*args: Any, **kwargs: Any) -> Any:
        del args, kwargs
        raise error

    return fail
