"""Settings of requests for grants: how long one is open, and how many a user may make."""

from __future__ import annotations

from datetime import timedelta

from api_guard.conf.values import Rule, is_count, read
from api_guard.core.rates import Rate, RateError, parse_rates

# After this time, nobody remembers the reason for a request.
REQUEST_DAYS = 14
REQUEST_RATE = "10/d"
# Longer than any approval takes.
_LONGEST = 365
_LEAST = (Rate(1, 86400),)


def request_lifetime() -> timedelta:
    """How long a request is open. A wrong value means one day."""
    value = read("REQUEST_DAYS")
    if value is None:
        return timedelta(days=REQUEST_DAYS)
    return timedelta(days=value if is_count(value) and 0 < value <= _LONGEST else 1)


def request_rates() -> tuple[Rate, ...]:
    """How many requests a user may make. A wrong value means one a day."""
    value = read("REQUEST_RATE")
    return _rates(REQUEST_RATE if value is None else value) or _LEAST


def _rates(value: object) -> tuple[Rate, ...]:
    try:
        rates = parse_rates(value)
    except RateError:
        return ()
    return () if any(rate.cost > 1 or rate.budget for rate in rates) else rates


RULES: dict[str, Rule] = {
    "REQUEST_DAYS": (
        lambda value: is_count(value) and 0 < value <= _LONGEST,
        f"must be a whole number of days from 1 to {_LONGEST}",
        str(REQUEST_DAYS),
    ),
    "REQUEST_RATE": (
        lambda value: bool(_rates(value)),
        "must be a rate, or a list of rates, without a cost or a budget",
        f'"{REQUEST_RATE}"',
    ),
}
