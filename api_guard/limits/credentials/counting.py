"""Limits as counters, under names that give nothing away."""

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

# The counts that whoever comes shares with others, where too many are stored to keep one for each.
_SHARED = 4096


def limits() -> Limits | None:
    """Return the limits that are set, None where nothing is counted."""
    return conf.failed_credentials() if conf.ratelimit_enabled() else None


def counters_of(limit: Limit) -> tuple[Counter, ...]:
    """Return what a limit is counted under: with each secret that signs, the newest first.

    So a new SECRET_KEY ends no block while the old one stands in SECRET_KEY_FALLBACKS.
    """
    text = f"{limit.kind}\n{limit.rate.period}\n{limit.address}\n{limit.account}"
    spare, kind = _spare(limit), f"failed-{limit.kind}"
    return tuple(
        Counter(f"api_guard:failed:{name}", limit.rate, spare, kind) for name in secret_names(text)
    )


def secret_names(text: str) -> tuple[str, ...]:
    """Return names that whoever reads the cache makes nothing of, one for each secret."""
    return tuple(_hashed(text, secret) for secret in (None, *settings.SECRET_KEY_FALLBACKS))


def take(found: Sequence[Limit], *, count: bool = True) -> tuple[Usage, ...]:
    """Count a credential, or only ask whether it may be tried; return the usage of each limit.

    Raises TooManyFailures where a limit is reached, and GuardUnavailable where that cannot be told.
    """
    try:
        usages = _take(found, count=count)
    except counters.CounterFault as fault:
        raise GuardUnavailable from fault
    if any(usage.exceeded for usage in usages):
        raise TooManyFailures(retry_after(usages))
    return usages


def count_late(found: Sequence[Limit]) -> tuple[Usage, ...]:
    """Count what has failed already, whether a limit is reached or not. Raises CounterFault."""
    return _take(found, count=True)


def give_back(found: Sequence[Limit]) -> None:
    """Undo a `take` that was let in. Raises CounterFault."""
    counters.give_back([each for limit in found for each in counters_of(limit)])


def _take(found: Sequence[Limit], *, count: bool) -> tuple[Usage, ...]:
    named = [counters_of(limit) for limit in found]
    usages = iter(counters.take([each for group in named for each in group], count=count))
    # Of a limit that is counted under several names, the one that is nearest to it.
    return tuple(
        max((next(usages) for _ in group), key=lambda usage: (usage.wait, usage.used))
        for group in named
    )


def _spare(limit: Limit) -> str:
    """Return the count that is shared: by the callers of a provider, or by some accounts."""
    if limit.is_kept:
        return ""
    whose = provider_of(limit.address) if limit.address else limit.account
    share = int(_hashed(whose, None)[:8], 16) % _SHARED
    return f"api_guard:shared:{limit.kind}:{limit.rate.period}:{share}"


def _hashed(text: str, secret: str | bytes | None) -> str:
    key = salted_hmac("api_guard.credentials", text, secret=secret, algorithm="sha256")
    return key.hexdigest()[:40]
