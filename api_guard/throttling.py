"""Counts requests against rates, and refuses a request over a rate."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from api_guard import conf
from api_guard.access.callers import throttle_key
from api_guard.access.endpoints import dotted_path
from api_guard.core.addresses import provider_of
from api_guard.core.rates import (
    BUCKETS,
    Counter,
    OneRate,
    Rate,
    RateError,
    Usage,
    parse_rates,
    retry_after,
)
from api_guard.exceptions import GuardError, GuardUnavailable, RateLimited
from api_guard.limits import counters

if TYPE_CHECKING:
    # DRF resolves its default throttles while it imports its views.
    from rest_framework.views import APIView

logger = logging.getLogger("api_guard.throttling")

# The number of shared counts of a rate for addresses, if too many are stored.
_SHARED = 4096


def use(group: str, key: str, rates: Iterable[Rate]) -> tuple[Usage, ...]:
    """Count one request of `key` against every rate, and return the usages.

    Rates without a budget are counted separately for `group`. Raises GuardUnavailable if the
    counters are down and `API_GUARD["ON_FAULT"]` is "deny".
    """
    counted = tuple([_counter(group, key, rate) for rate in rates])
    if not counted or not conf.ratelimit_enabled():
        return ()
    try:
        return counters.take(counted)
    except counters.CounterFault as fault:
        return _without_cache(counted, fault)


def used(group: str, key: str, rates: Iterable[Rate]) -> tuple[Usage, ...]:
    """Return how much of each rate is used, without counting. Raises GuardUnavailable."""
    counted = tuple([_counter(group, key, rate) for rate in rates])
    if not counted or not conf.ratelimit_enabled():
        return ()
    try:
        return counters.take(counted, count=False)
    except counters.CounterFault as fault:
        raise GuardUnavailable from fault


def admit(group: str, key: str, rates: Iterable[Rate]) -> tuple[Usage, ...]:
    """Count as `use` does, and raise RateLimited if a rate is exceeded."""
    usages = use(group, key, rates)
    if any(usage.exceeded for usage in usages):
        raise RateLimited(retry_after(usages), usages)
    return usages


class RateThrottle(BaseThrottle):
    """For `throttle_classes = [RateThrottle("5/s", "1000/d")]`; `@guard(throttle=...)` is better.

    DRF asks it after the permissions, so that it does not count what they refuse.
    """

    def __init__(self, *rates: OneRate) -> None:
        try:
            self.rates = parse_rates(rates)
        except RateError as error:
            raise GuardError(f"RateThrottle: {error}") from None

    def __call__(self) -> RateThrottle:
        """Return itself, because DRF expects a class here."""
        return self

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Count the request; raise RateLimited if it exceeds a rate."""
        admit(f"{dotted_path(type(view))}#throttle", throttle_key(request), self.rates)
        return True


@lru_cache(maxsize=4096)
def _counter(group: str, key: str, rate: Rate) -> Counter:
    # Without the limit, which may change for a grantee during a count.
    place = f"budget:{rate.budget}" if rate.budget else f"view:{group}"
    window = f"{rate.seconds}{'~' if rate.is_sliding else ''}"
    # Hashed, because a cache limits the letters and the length of a key.
    name = f"api_guard:{_hashed(place, window, key)[:40]}"
    kind, _, whose = key.partition(":")
    if kind != "address":
        return Counter(name, rate, bucket=_bucket(int(_hashed(key)[:8], 16)))
    # There may be any number of addresses. If too many are counted, new ones share a count with
    # others of their provider.
    share = int(_hashed(provider_of(whose))[:8], 16) % _SHARED
    spare = f"api_guard:{_hashed(place, window)[:40]}:{share}"
    # The bucket comes from the shared name, so that a shared count and its addresses are together.
    return Counter(name, rate, spare, "rate", _bucket(share))


def _bucket(number: int) -> str:
    return str(number % BUCKETS)


def _hashed(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _without_cache(counted: tuple[Counter, ...], fault: counters.CounterFault) -> tuple[Usage, ...]:
    mode = conf.on_fault()
    logger.error("The cache of the counters is down (%s); on fault: %s", fault, mode)
    if mode == "deny":
        raise GuardUnavailable from fault
    if mode == "allow":
        return ()
    return counters.take_locally(counted)
