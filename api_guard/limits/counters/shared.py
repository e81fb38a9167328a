"""The only way to the counters' cache: chooses how to count, and asks the cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from django.core.cache import BaseCache, caches
from django.core.cache.backends.locmem import LocMemCache
from django.core.signals import setting_changed

from api_guard import conf
from api_guard.core.rates import Counter, Usage
from api_guard.limits.counters.clients import (
    bounded_client,
    is_cluster,
    place_of_client,
    place_of_memcached,
)
from api_guard.limits.counters.faults import CounterFault, faults_told
from api_guard.limits.counters.knocking import Knock, Place
from api_guard.limits.counters.memory import MemoryCounters
from api_guard.limits.counters.ratelimit import RatelimitCounters
from api_guard.limits.counters.redis import ClusterCounters, RedisCounters

Answer = TypeVar("Answer")


class Counters(Protocol):
    """A place where counts are kept."""

    def take(self, counters: Sequence[Counter], *, count: bool = True) -> tuple[Usage, ...]:
        """Take the cost of all the rates, or take nothing if one rate refuses."""

    def give_back(self, counters: Sequence[Counter]) -> None:
        """Undo a `take` that was allowed."""

    def forget(self, counters: Sequence[Counter]) -> None:
        """Start again at zero."""


def take(counters: Sequence[Counter], *, count: bool = True) -> tuple[Usage, ...]:
    """Take the cost of all the rates, or nothing if one rate refuses. Without `count`, only ask.

    Raises CounterFault.
    """
    return _with_cache(lambda held: held.counters.take(counters, count=count))


def give_back(counters: Sequence[Counter]) -> None:
    """Undo a `take` that was allowed. Raises CounterFault."""
    _with_cache(lambda held: held.counters.give_back(counters))


def forget(counters: Sequence[Counter]) -> None:
    """Start these counts again at zero. Raises CounterFault."""
    _with_cache(lambda held: held.counters.forget(counters))


def ask(question: Callable[[BaseCache], Answer]) -> Answer:
    """Ask the cache something other than a count, with the same timeout and pause.

    Raises CounterFault.
    """
    return _with_cache(lambda held: question(held.cache))


def get_many(keys: Sequence[str]) -> dict[str, Any]:
    """Return the values that the cache has under `keys`. Raises CounterFault."""
    found = _with_cache(lambda held: _get_many(held, keys))
    return {key: value for key, value in found.items() if value is not None}


def _get_many(held: _Held, keys: Sequence[str]) -> dict[str, Any]:
    cache = held.cache
    if not isinstance(held.counters, ClusterCounters):
        return cache.get_many(keys)
    # A cluster returns several keys at once only if they are in one slot.
    return {key: cache.get(key) for key in keys}


def tenant() -> str:
    """Return the current tenant's prefix, from `KEY_PREFIX` or `KEY_FUNCTION`.

    This does not use the cache. Everything that a process remembers itself must use this prefix.
    """
    alias = conf.counters_alias()
    held = _by_alias.get(alias)
    if held is not None:
        return held.cache.make_key("")
    return caches[alias].make_key("") if alias in caches.settings else ""


@dataclass(frozen=True)
class _Held:
    """A cache and how it counts. `own` is None if each thread uses its connection of Django's."""

    alias: str
    own: BaseCache | None
    counters: Counters
    place: Place | None = None

    @property
    def cache(self) -> BaseCache:
        return caches[self.alias] if self.own is None else self.own

    def knock(self) -> Knock | None:
        return None if self.place is None else Knock(self.place)

    def renew(self) -> None:
        """Drop a client that thinks its server is dead, as pymemcache does for a minute."""
        if self.own is None:
            with suppress(AttributeError):  # this thread has no client
                del caches[self.alias]


# Keep one for each alias: a client and its connections serve all threads of a process.
_by_alias: dict[str, _Held] = {}


def _with_cache(use: Callable[[_Held], Answer]) -> Answer:
    with faults_told(_knock):
        held = _held()
        try:
            return use(held)
        except Exception:
            held.renew()
            raise


def _knock() -> Knock | None:
    held = _by_alias.get(conf.counters_alias())
    return None if held is None else held.knock()


def _held() -> _Held:
    alias = conf.counters_alias()
    held = _by_alias.get(alias)
    if held is None:
        held = _by_alias[alias] = _choose(alias)
    return held


def _choose(alias: str) -> _Held:
    if alias not in caches.settings:
        raise CounterFault(f"CACHES has no {alias!r}")
    # Use a separate instance: the project's timeouts are meant for pages, or are not set.
    cache = caches.create_connection(alias)
    if isinstance(cache, LocMemCache):
        return _Held(alias, cache, MemoryCounters(cache))
    client = bounded_client(cache, conf.counter_timeout())
    if client is not None:
        engine = ClusterCounters if is_cluster(client) else RedisCounters
        return _Held(alias, cache, engine(cache, client), place_of_client(client))
    return _Held(alias, None, RatelimitCounters(), place_of_memcached(cache))


def _choose_anew(*, setting: str, **_: object) -> None:
    if setting in ("CACHES", "API_GUARD", "RATELIMIT_USE_CACHE"):
        _by_alias.clear()


setting_changed.connect(_choose_anew, dispatch_uid="api_guard.limits.counters")
