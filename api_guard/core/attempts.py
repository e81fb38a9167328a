"""Failed credentials: what they are counted under, and by which limits."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from api_guard.core.rates import Rate, parse_rates

# High-entropy credentials, such as tokens: the bad ones of an address.
TOKEN = "token"  # noqa: S105  # the name of a limit
# Credentials that can be guessed: of an account at one address, of an account, and of an address.
ACCOUNT_AT_ADDRESS = "account_at_address"
ACCOUNT = "account"
ADDRESS = "address"
KINDS = (TOKEN, ACCOUNT_AT_ADDRESS, ACCOUNT, ADDRESS)

Limits = Mapping[str, tuple[Rate, ...]]

DEFAULTS: Limits = {
    TOKEN: parse_rates("30/10m"),
    ACCOUNT_AT_ADDRESS: parse_rates("10/10m"),
    ACCOUNT: parse_rates("30/h"),
    ADDRESS: parse_rates("100/h"),
}

# What is longer is no account, and is not worth normalising.
_LONGEST = 1024


@dataclass(frozen=True)
class Limit:
    """One limit of one account, address or both; what it does not concern is empty.

    `is_kept` says that it has a count of its own, however many strangers come.
    """

    kind: str
    rate: Rate
    account: str = ""
    address: str = ""
    is_kept: bool = False


def normal_account(text: str) -> str:
    """Return one spelling of an account's name, so that no other one has a count of its own."""
    text = text[:_LONGEST]
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).strip()


def limits_of_token(limits: Limits, address: str) -> tuple[Limit, ...]:
    """Return the limits of bad high-entropy credentials."""
    return tuple(Limit(TOKEN, rate, address=address) for rate in limits[TOKEN])


def limits_of_attempt(
    limits: Limits, account: str, address: str, *, is_known: bool
) -> tuple[Limit, ...]:
    """Return the limits of a credential that can be guessed.

    `is_known` says that this account was opened from this address before: then what strangers do
    to the account, or others at the address, is not held against it. Either may be empty: an
    address where no request stands behind the attempt, an account where none is named.
    """
    found: list[Limit] = []
    if account and address:
        rates = limits[ACCOUNT_AT_ADDRESS]
        found += (Limit(ACCOUNT_AT_ADDRESS, rate, account, address, is_known) for rate in rates)
    if account and not is_known:
        found += (Limit(ACCOUNT, rate, account=account) for rate in limits[ACCOUNT])
    if address and not is_known:
        found += (Limit(ADDRESS, rate, address=address) for rate in limits[ADDRESS])
    return tuple(found)
