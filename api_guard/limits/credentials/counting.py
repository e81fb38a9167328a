"""Counters of the limits, under names that do not reveal accounts or addresses."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.utils.crypto import salted_hmac

from api_guard import conf
from api_guard.core.addresses import provider_of
from api_guard.core.attempts import Limit, Limits
from api_guard.core.rates import Counter, Usage, retry_after
from api_guard.exceptions import GuardUnavailable, TooManyFailures
from api_guard.limits import counters

# If too many counts are stored, new callers share these.
_SHARED = 4096


def limits() -> Limits | None:
    """Return the limits in the settings, or None if nothing is counted."""
    return conf.failed_credentials() if conf.ratelimit_enabled() else None


def counters_of(limit: Limit) -> tuple[Counter, ...]:
    """Return the counters of a limit, one for each signing secret, the newest first.

    So blocks survive a new SECRET_KEY while the old one is in SECRET_KEY_FALLBACKS.
    """
    text = f"{limit.kind}\n{limit.rate.period}\n{limit.address}\n{limit.account}"
    spare, kind = _spare(limit), f"failed-{limit.kind}"
    return tuple(
        Counter(f"api_guard:failed:{name}", limit.rate, spare, kind) for name in secret_names(text)
    )


def secret_names(text: str) -> tuple[str, ...]:
    """Return names that reveal nothing to a reader of the cache, one for each secret."""
    return tuple(_hashed(text, secret) for secret in (None, *settings.SECRET_KEY_FALLBACKS))


def take(found: Sequence[Limit], *, count: bool = True) -> tuple[Usage, ...]:
    """Count a credential, or only check whether it may be tried; return the usage of each limit.

    Raises TooManyFailures if a limit is reached, and GuardUnavailable if the cache fails.
    """
    try:
        usages = _take(found, count=count)
    except counters.CounterFault as fault:
        raise GuardUnavailable from fault
    if any(usage.exceeded for usage in usages):
        raise TooManyFailures(retry_after(usages))
    return usages


def look(found: Sequence[Limit]) -> tuple[Usage, ...]:
    """Return the usage of each limit by itself, and count nothing. Raises CounterFault."""
    return tuple(usage for limit in found for usage in _take([limit], count=False))


def count_late(found: Sequence[Limit]) -> tuple[Usage, ...]:
    """Count a failure, also when a limit is reached. Raises CounterFault."""
    return _take(found, count=True)


def give_back(found: Sequence[Limit]) -> None:
    """Undo a `take` that was allowed. Raises CounterFault."""
    counters.give_back([each for limit in found for each in counters_of(limit)])


def _take(found: Sequence[Limit], *, count: bool) -> tuple[Usage, ...]:
    named = [counters_of(limit) for limit in found]
    usages = iter(counters.take([each for group in named for each in group], count=count))
    # If a limit has several names, the count that is nearest to the limit.
    return tuple(
        max((next(usages) for _ in group), key=lambda usage: (usage.wait, usage.used))
        for group in named
    )


def _spare(limit: Limit) -> str:
    """Return the shared counter: of the callers of a provider, or of some accounts."""
    if limit.is_kept:
        return ""
    whose = provider_of(limit.address) if limit.address else limit.account
    share = int(_hashed(whose, None)[:8], 16) % _SHARED
    return f"api_guard:shared:{limit.kind}:{limit.rate.period}:{share}"


def _hashed(text: str, secret: str | bytes | None) -> str:
    key = salted_hmac("api_guard.credentials", text, secret=secret, algorithm="sha256")
    return key.hexdigest()[:40]
