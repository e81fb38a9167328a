"""Counts in this process while the shared cache is down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django.core.cache.backends.locmem import LocMemCache

from api_guard.core.rates import Counter, Usage
from api_guard.limits.counters.memory import MemoryCounters
from api_guard.limits.counters.shared import tenant

_cache = LocMemCache("api_guard-rates", {"OPTIONS": {"MAX_ENTRIES": 100_000}})
_counters = MemoryCounters(_cache)


def take_locally(counters: Sequence[Counter]) -> tuple[Usage, ...]:
    """Count like `take`, but only in this process."""
    whose = tenant()
    return _counters.take([replace(each, name=f"{whose}{each.name}") for each in counters])


def clear() -> None:
    """Forget all local counts."""
    _cache.clear()
