"""Failed credentials: the limits that apply, and the names under which they are counted."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from api_guard.core.rates import Rate, parse_rates

# High-entropy credentials, such as tokens: bad ones are counted for an address.
TOKEN = "token"  # noqa: S105  # the name of a limit
# Guessable credentials: counted for an account at an address, for an account, for an address.
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

# A longer text is not the name of an account, and is not normalized.
_LONGEST = 1024


@dataclass(frozen=True)
class Limit:
    """A limit for an account, an address or both; the other one is empty.

    `is_kept` says that it always has its own count, even if many strangers come.
    """

    kind: str
    rate: Rate
    account: str = ""
    address: str = ""
    is_kept: bool = False


def normal_account(text: str) -> str:
    """Return one spelling of an account's name, so that other spellings share its count."""
    text = text[:_LONGEST]
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).strip()


def limits_of_token(limits: Limits, address: str) -> tuple[Limit, ...]:
    """Return the limits of bad high-entropy credentials."""
    return tuple(Limit(TOKEN, rate, address=address) for rate in limits[TOKEN])


def limits_of_attempt(
    limits: Limits, account: str, address: str, *, is_known: bool
) -> tuple[Limit, ...]:
    """Return the limits of a guessable credential.

    `is_known` says that the account was used from this address before. Then failures of strangers
    at the account, or of others at the address, do not count against it. The address is empty if
    there is no request, and the account is empty if none is named.
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
