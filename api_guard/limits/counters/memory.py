"""Counts in this process, in a local-memory cache."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from threading import Lock

from django.core.cache.backends.locmem import LocMemCache

from api_guard.core.rates import Counter, Usage, Window, window_of

# One lock for all counters, because several are read and written together.
_lock = Lock()


class MemoryCounters:
    """Counters in a LocMemCache. They are exact within the process."""

    def __init__(self, cache: LocMemCache) -> None:
        self._cache = cache

    def take(self, counters: Sequence[Counter], *, count: bool = True) -> tuple[Usage, ...]:
        """Take the cost of all the rates, or take nothing if one rate refuses."""
        now = _now()
        with _lock:
            windows = [self._window(counter) for counter in counters]
            rooms = [
                window.room(counter.rate, now)
                for window, counter in zip(windows, counters, strict=True)
            ]
            if count and not any(room.wait for room in rooms):
                for position, counter in enumerate(counters):
                    rate = counter.rate
                    window = windows[position].taken(rate, now, rate.cost)
                    self._keep(counter, window)
                    rooms[position] = window.room(replace(rate, cost=0), now)
        return tuple(
            Usage(counter.rate, room.used, _seconds(room.reset), _seconds(room.wait))
            for counter, room in zip(counters, rooms, strict=True)
        )

    def give_back(self, counters: Sequence[Counter]) -> None:
        """Undo a `take` that was allowed."""
        now = _now()
        with _lock:
            for counter in counters:
                window = self._window(counter)
                self._keep(counter, window.taken(counter.rate, now, -counter.rate.cost))

    def forget(self, counters: Sequence[Counter]) -> None:
        """Start again at zero."""
        for counter in counters:
            self._cache.delete(counter.name)

    def _window(self, counter: Counter) -> Window:
        window: Window = self._cache.get(counter.name) or window_of(counter.rate)
        return window

    def _keep(self, counter: Counter, window: Window) -> None:
        # No timeout: the cache would use a clock that may jump. A full cache drops the counters
        # first that were not used for the longest time.
        self._cache.set(counter.name, window, None)


def _now() -> int:
    return int(time.monotonic() * 1000)


def _seconds(milliseconds: int) -> int:
    return -(-milliseconds // 1000)
