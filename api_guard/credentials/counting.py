"""Limits as counters, under names that give nothing away."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.crypto import salted_hmac

from api_guard import conf, counters
from api_guard.core.attempts import Limit, Limits
from api_guard.core.rates import Counter, Usage, retry_after
from api_guard.exceptions import GuardUnavailable, TooManyFailures


def limits() -> Limits | None:
    """Return the limits that are set, None where nothing is counted."""
    return conf.failed_credentials() if conf.ratelimit_enabled() else None


def counter_of(limit: Limit) -> Counter:
    """Return what a limit is counted under."""
    name = secret_name(f"{limit.kind}\n{limit.rate.period}\n{limit.address}\n{limit.account}")
    return Counter(f"api_guard:failed:{name}", limit.rate)


def secret_name(text: str) -> str:
    """Return a name that whoever reads the cache makes nothing of."""
    return salted_hmac("api_guard.credentials", text, algorithm="sha256").hexdigest()[:40]


def take(counted: Sequence[Counter], *, count: bool = True) -> tuple[Usage, ...]:
    """Count a credential, or only ask whether it may be tried.

    Raises TooManyFailures where a limit is reached, and GuardUnavailable where that cannot be told.
    """
    try:
        usages = counters.take(counted, count=count)
    except counters.CounterFault as fault:
        raise GuardUnavailable from fault
    if any(usage.exceeded for usage in usages):
        raise TooManyFailures(retry_after(usages))
    return usages
