"""Remembers from which addresses an account was opened."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable

from api_guard.limits import counters
from api_guard.limits.credentials.counting import secret_names

logger = logging.getLogger("api_guard.credentials")

# Seconds for which an address is known to an account.
KNOWN_FOR = 30 * 86400
# The newest addresses of an account are known, so that one account fills no cache.
_MOST = 20


def addresses_of(account: str) -> tuple[str, ...]:
    """Return from where `account` was opened of late, the newest first, under names that give
    nothing away. A cache that is down knows nothing.
    """
    keys = _keys(account)
    try:
        found = counters.get_many(keys)
    except counters.CounterFault:
        return ()
    return tuple(" ".join(str(found[key]) for key in keys if key in found).split())


def is_among(address: str, addresses: Collection[str]) -> bool:
    """Whether `address` is one of those that `addresses_of` returned."""
    return not set(secret_names(address)).isdisjoint(addresses)


def remember(account: str, address: str, others: Iterable[str] = ()) -> None:
    """Remember that `account` was opened from `address`, as from `others` before."""
    kept = " ".join([secret_names(address)[0], *others][:_MOST])
    try:
        counters.ask(lambda cache: cache.set(_keys(account)[0], kept, KNOWN_FOR))
    except counters.CounterFault as fault:
        logger.warning("An address could not be remembered: %s", fault)


def _keys(account: str) -> list[str]:
    return [f"api_guard:known:{name}" for name in secret_names(account)]
