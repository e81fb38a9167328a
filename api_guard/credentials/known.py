"""Remembers from which addresses an account was opened."""

from __future__ import annotations

import logging

from api_guard import counters
from api_guard.credentials.counting import secret_name
from api_guard.exceptions import is_fault

logger = logging.getLogger("api_guard.credentials")

# Seconds for which an address is known to an account.
KNOWN_FOR = 30 * 86400


def is_known(account: str, address: str) -> bool:
    """Whether `account` was opened from `address` of late. A cache that is down knows nothing."""
    try:
        return counters.shared_cache().get(_key(account, address)) is not None
    except Exception as error:
        if not is_fault(error):
            raise
        return False


def remember(account: str, address: str) -> None:
    """Remember that `account` was opened from `address`."""
    try:
        counters.shared_cache().set(_key(account, address), 1, KNOWN_FOR)
    except Exception as error:
        if not is_fault(error):
            raise
        logger.warning("An address could not be remembered: %s", error)


def _key(account: str, address: str) -> str:
    name = secret_name(f"{address}\n{account}")
    return f"api_guard:known:{name}"
