"""Counts, on the cache that `RATELIMIT_USE_CACHE` names or in this process."""

from api_guard.counters.faults import CounterFault
from api_guard.counters.local import take_locally
from api_guard.counters.shared import forget, give_back, shared_cache, take

__all__ = [
    "CounterFault",
    "forget",
    "give_back",
    "shared_cache",
    "take",
    "take_locally",
]
