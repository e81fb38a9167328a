"""Counts requests against rates, through django-ratelimit's counters."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.core.cache.backends.locmem import LocMemCache
from django_ratelimit.core import get_usage
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from api_guard import conf
from api_guard.callers import throttle_key
from api_guard.core.rates import Rate, RateError, Usage, parse_rates, retry_after
from api_guard.endpoints import dotted_path
from api_guard.exceptions import GuardError, GuardUnavailable, RateLimited, is_fault

if TYPE_CHECKING:
    # DRF resolves its default throttles while it imports its views.
    from rest_framework.views import APIView

logger = logging.getLogger("api_guard.throttling")

# Counts while the shared cache is down; a counter of this process alone.
_local = LocMemCache("api_guard-rates", {"OPTIONS": {"MAX_ENTRIES": 100_000}})


class CounterFault(Exception):
    """The counters' cache did not answer."""


def use(group: str, key: str, rates: Iterable[Rate]) -> tuple[Usage, ...]:
    """Count one request of `key` against every rate of `group`, and return what is used.

    Raises GuardUnavailable where the counters are down and `API_GUARD["ON_FAULT"]` says deny.
    """
    if not conf.ratelimit_enabled():
        return ()
    try:
        return tuple(_count(group, key, rate) for rate in rates)
    except CounterFault as fault:
        return _without_cache(group, key, rates, fault)


def admit(group: str, key: str, rates: Iterable[Rate]) -> tuple[Usage, ...]:
    """Count as `use` does, and raise RateLimited where a rate is exceeded."""
    usages = use(group, key, rates)
    if any(usage.exceeded for usage in usages):
        raise RateLimited(retry_after(usages), usages)
    return usages


class RateThrottle(BaseThrottle):
    """For `throttle_classes = [RateThrottle("5/s", "1000/d")]`; `@guard(throttle=...)` is better.

    DRF asks it after the permissions, so that it does not count what they refuse.
    """

    def __init__(self, *rates: str) -> None:
        try:
            self.rates = parse_rates(rates)
        except RateError as error:
            raise GuardError(f"RateThrottle: {error}") from None

    def __call__(self) -> RateThrottle:
        """Stand where DRF expects a class."""
        return self

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Count the request; raise RateLimited where it is one too many."""
        admit(f"{dotted_path(type(view))}#throttle", throttle_key(request), self.rates)
        return True


def _count(group: str, key: str, rate: Rate) -> Usage:
    """Ask django-ratelimit. It is called here and nowhere else."""
    try:
        answer = get_usage(
            None,
            group=group,
            key=lambda _group, _request: key,
            rate=(rate.limit, rate.seconds),
            increment=True,
        )
    except Exception as error:
        if is_fault(error):
            raise CounterFault(str(error)) from error
        raise
    # None is what RATELIMIT_FAIL_OPEN makes of a fault; a limit of 0 what it is without.
    if answer is None or answer["limit"] == 0:
        raise CounterFault("the cache did not count")
    return Usage(rate, answer["count"], max(0, answer["time_left"]))


def _without_cache(
    group: str, key: str, rates: Iterable[Rate], fault: CounterFault
) -> tuple[Usage, ...]:
    mode = conf.on_fault()
    logger.error("The counters' cache is down (%s); on fault: %s", fault, mode)
    if mode == "deny":
        raise GuardUnavailable from fault
    if mode == "allow":
        return ()
    return tuple(_count_locally(group, key, rate) for rate in rates)


def _count_locally(group: str, key: str, rate: Rate) -> Usage:
    window, passed = divmod(int(time.time()), rate.seconds)
    name = f"{group}:{key}:{rate.seconds}:{window}"
    _local.add(name, 0, rate.seconds + 5)
    return Usage(rate, _local.incr(name), rate.seconds - passed)
