"""Chooses the counters that the shared cache can keep, and asks them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from django.core.cache import BaseCache, caches
from django.core.cache.backends.locmem import LocMemCache
from django.core.signals import setting_changed

from api_guard import conf
from api_guard.core.rates import Counter, Usage
from api_guard.counters.clients import bounded_client
from api_guard.counters.faults import CounterFault, faults_told
from api_guard.counters.memory import MemoryCounters
from api_guard.counters.ratelimit import RatelimitCounters
from api_guard.counters.redis import RedisCounters


class Counters(Protocol):
    """Where counts are kept."""

    def take(self, counters: Sequence[Counter], *, count: bool = True) -> tuple[Usage, ...]:
        """Take the cost of each rate, or of none where one of them refuses."""

    def give_back(self, counters: Sequence[Counter]) -> None:
        """Undo a `take` that was let in."""

    def forget(self, counters: Sequence[Counter]) -> None:
        """Begin anew."""


def take(counters: Sequence[Counter], *, count: bool = True) -> tuple[Usage, ...]:
    """Take the cost of each rate, or of none where one of them refuses; or only ask.

    Raises CounterFault.
    """
    with faults_told():
        return _counters().take(counters, count=count)


def give_back(counters: Sequence[Counter]) -> None:
    """Undo a `take` that was let in. Raises CounterFault."""
    with faults_told():
        _counters().give_back(counters)


def forget(counters: Sequence[Counter]) -> None:
    """Begin these counts anew. Raises CounterFault."""
    with faults_told():
        _counters().forget(counters)


def shared_cache() -> BaseCache:
    """Return the cache that counts, on Redis with our timeouts. What it raises is the caller's."""
    return _held()[0]


# Held by alias: a client and its connections serve all threads of a process.
_by_alias: dict[str, tuple[BaseCache, Counters]] = {}


def _counters() -> Counters:
    return _held()[1]


def _held() -> tuple[BaseCache, Counters]:
    alias = conf.counters_alias()
    held = _by_alias.get(alias)
    if held is None:
        held = _by_alias[alias] = _choose(alias)
    return held


def _choose(alias: str) -> tuple[BaseCache, Counters]:
    if alias not in caches.settings:
        raise CounterFault(f"CACHES has no {alias!r}")
    # An instance of our own: the timeouts of the project's are for pages, and may be none.
    cache = caches.create_connection(alias)
    if isinstance(cache, LocMemCache):
        return cache, MemoryCounters(cache)
    client = bounded_client(cache, conf.counter_timeout())
    if client is not None:
        return cache, RedisCounters(cache, client)
    return caches[alias], RatelimitCounters()


def _choose_anew(*, setting: str, **_: object) -> None:
    if setting in ("CACHES", "API_GUARD", "RATELIMIT_USE_CACHE"):
        _by_alias.clear()


setting_changed.connect(_choose_anew, dispatch_uid="api_guard.counters")
