"""Measures several things in turns, so that whatever else the machine does meets all of them."""

from __future__ import annotations

import gc
import statistics
import time
from dataclasses import dataclass

from django.core.cache import cache


@dataclass(frozen=True)
class Spread:
    """Microseconds a call: the median of the rounds, and the quartiles around it."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values):
        """Return the spread of at least two values."""
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)

    def __str__(self):
        return f"{self.median:8.0f} µs ({self.low:.0f} to {self.high:.0f})"


def interleaved(calls, requests, rounds):
    """Return the microseconds that each of `calls` takes, one value a round.

    The cache is cleared before each: a throttle of DRF keeps a list of times that grows with every
    request, and would flatter whatever it is compared with.
    """
    taken = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            cache.clear()
            call()
            gc.collect()
            started = time.perf_counter()
            for _ in range(requests):
                call()
            taken[name].append((time.perf_counter() - started) / requests * 1e6)
    return taken


def ratios(taken, name, to):
    """Return the ratio of two, round by round, so that each is of the same moment."""
    return [one / other for one, other in zip(taken[name], taken[to], strict=True)]
