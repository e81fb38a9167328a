"""Counts requests in the cache that `RATELIMIT_USE_CACHE` names, or in this process."""

from api_guard.limits.counters.faults import CounterFault
from api_guard.limits.counters.local import take_locally
from api_guard.limits.counters.shared import ask, forget, get_many, give_back, take, tenant

__all__ = [
    "CounterFault",
    "ask",
    "forget",
    "get_many",
    "give_back",
    "take",
    "take_locally",
    "tenant",
]
