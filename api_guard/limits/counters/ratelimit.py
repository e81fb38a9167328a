"""Counts through django-ratelimit, on caches that are not Redis and not local memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.cache import caches
from django_ratelimit import ALL
from django_ratelimit.core import _get_window, _make_cache_key, get_usage

from api_guard import conf
from api_guard.core.rates import Counter, Usage
from api_guard.limits.counters.faults import CounterFault

_GROUP = "api_guard"


class RatelimitCounters:
    """Counters that use the cache's add and incr, as django-ratelimit does. Exact on Memcached.

    All windows are fixed windows. A refused request is counted for a moment and then given back. In
    that moment, another request near the limit may be refused too. No request is ever allowed above
    the limit.
    """

    def take(self, counters: Sequence[Counter], *, count: bool = True) -> tuple[Usage, ...]:
        """Take the cost of all the rates, or take nothing if one rate refuses."""
        before = _costs_by_key(counters)
        usages = tuple(self._use(counter, count) for counter in counters)
        if count and any(usage.exceeded for usage in usages):
            # If the window has ended since, do not subtract from the next window.
            self._decrease(before.items() & _costs_by_key(counters).items())
        return usages

    def give_back(self, counters: Sequence[Counter]) -> None:
        """Undo a `take` that was allowed."""
        self._decrease(_costs_by_key(counters).items())

    def _decrease(self, costs: Iterable[tuple[str, int]]) -> None:
        for key, cost in costs:
            try:
                self._cache.decr(key, cost)
            except ValueError:
                continue  # its window has ended

    def forget(self, counters: Sequence[Counter]) -> None:
        """Start again at zero."""
        for counter in counters:
            self._cache.delete(_key(counter))

    @property
    def _cache(self) -> Any:
        return caches[conf.counters_alias()]

    def _use(self, counter: Counter, count: bool) -> Usage:
        """Ask django-ratelimit. Only this method calls it."""
        rate = counter.rate
        answer = get_usage(
            None,
            group=_GROUP,
            key=lambda _group, _request: counter.name,
            rate=_rate(counter),
            increment=count,
        )
        # A fault gives None with RATELIMIT_FAIL_OPEN, and a limit of 0 without it.
        if answer is None or answer["limit"] == 0:
            raise CounterFault("the cache did not count")
        used: int = answer["count"]
        if count and rate.cost > 1:
            used = self._cache.incr(_key(counter), rate.cost - 1)
        wanted = used if count else used + rate.cost
        # A window ends at the end of the second that is named.
        reset = max(0, answer["time_left"]) + 1
        return Usage(rate, min(used, rate.limit), reset, reset if wanted > rate.limit else 0)


def _rate(counter: Counter) -> tuple[int, int]:
    # We judge the limit ourselves. It is not part of the key, because it may change meanwhile.
    return 1, counter.rate.seconds


def _costs_by_key(counters: Sequence[Counter]) -> dict[str, int]:
    return {_key(counter): counter.rate.cost for counter in counters}


def _key(counter: Counter) -> str:
    window = _get_window(counter.name, counter.rate.seconds)
    return str(_make_cache_key(_GROUP, window, _rate(counter), counter.name, ALL))
