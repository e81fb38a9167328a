"""Remembers the addresses from which an account was used successfully."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable

from api_guard.limits import counters
from api_guard.limits.credentials.counting import secret_names

logger = logging.getLogger("api_guard.credentials")

# An address is known for an account for so many seconds.
KNOWN_FOR = 30 * 86400
# Only the newest addresses are stored, so that an account cannot fill the cache.
_MOST = 20


def addresses_of(account: str) -> tuple[str, ...]:
    """Return the known addresses of `account`, the newest first, under names that reveal nothing.
    If the cache is down, there are none.
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
    """Remember that `account` was used from `address`, and before from `others`."""
    kept = " ".join([secret_names(address)[0], *others][:_MOST])
    try:
        counters.ask(lambda cache: cache.set(_keys(account)[0], kept, KNOWN_FOR))
    except counters.CounterFault as fault:
        logger.warning("An address could not be remembered: %s", fault)


def _keys(account: str) -> list[str]:
    return [f"api_guard:known:{name}" for name in secret_names(account)]
