"""Mistakes of developers, and faults of what the decision needs."""

from __future__ import annotations

from django.db import Error as DatabaseFault

# Libraries behind Django's cache backends, whose errors share no class with the standard library.
_CACHE_LIBRARIES = frozenset(
    {
        "django_redis",
        "django_valkey",
        "memcache",
        "pylibmc",
        "pymemcache",
        "redis",
        "valkey",
    }
)


class GuardError(Exception):
    """A mistake in how api_guard is used; the message shows the line to write."""


def is_fault(error: BaseException) -> bool:
    """Whether `error` says that a database, a cache or a network failed, not that code is wrong."""
    if isinstance(error, (DatabaseFault, OSError)):
        return True
    return any(cls.__module__.split(".")[0] in _CACHE_LIBRARIES for cls in type(error).__mro__)
