"""Rates: a limit over a period, read strictly and written as the RateLimit fields."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_RATE = re.compile(r"(?P<limit>[0-9]{1,9})/(?P<count>[0-9]{0,4})(?P<unit>[smhd])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class RateError(ValueError):
    """A rate that cannot be read."""


@dataclass(frozen=True)
class Rate:
    """At most `limit` requests in every period of `seconds`."""

    limit: int
    seconds: int

    @classmethod
    def parse(cls, text: object) -> Rate:
        """Read `N/[k]s|m|h|d`: `5/s`, `100/15m`, `1000/d`. Raise RateError on anything else."""
        if isinstance(text, Rate):
            return text
        match = _RATE.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise RateError(
                f"{text!r} is not a rate: write N/[k]s|m|h|d, such as '5/s', '100/15m' or '1000/d'."
            )
        seconds = int(match["count"] or 1) * _SECONDS[match["unit"]]
        if seconds == 0:
            raise RateError(f"{text!r} has a period of no length.")
        if int(match["limit"]) == 0:
            raise RateError(f"{text!r} admits nobody: leave the slot without a demand instead.")
        return cls(int(match["limit"]), seconds)

    def __str__(self) -> str:
        for unit in ("d", "h", "m"):
            count, rest = divmod(self.seconds, _SECONDS[unit])
            if rest == 0:
                return f"{self.limit}/{'' if count == 1 else count}{unit}"
        return f"{self.limit}/{'' if self.seconds == 1 else self.seconds}s"


@dataclass(frozen=True)
class Usage:
    """How much of a rate a caller has used in the current period.

    `count` includes this request; `reset` is the time until the period ends, in seconds.
    """

    rate: Rate
    count: int
    reset: int

    @property
    def exceeded(self) -> bool:
        """Whether this request is one too many."""
        return self.count > self.rate.limit

    @property
    def remaining(self) -> int:
        """Requests left in this period."""
        return max(0, self.rate.limit - self.count)


def parse_rates(value: object) -> tuple[Rate, ...]:
    """Read one rate or several. Raise RateError on anything else, an empty list included."""
    items = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    if not items:
        raise RateError("An empty list of rates limits nothing: leave it out instead.")
    rates = tuple(Rate.parse(item) for item in items)
    if len({rate.seconds for rate in rates}) != len(rates):
        raise RateError(f"{value!r} has two rates for one period: keep the smaller one.")
    return rates


def retry_after(usages: Iterable[Usage]) -> int:
    """Return the seconds until every exceeded rate admits again, at least 1."""
    return max([1, *(usage.reset + 1 for usage in usages if usage.exceeded)])


def rate_limit_fields(usages: Iterable[Usage]) -> dict[str, str]:
    """Write the RateLimit-Policy and RateLimit fields (draft-ietf-httpapi-ratelimit-headers-10)."""
    policies, states = [], []
    for usage in usages:
        name = f'"{usage.rate}"'
        policies.append(f"{name};q={usage.rate.limit};w={usage.rate.seconds}")
        states.append(f"{name};r={usage.remaining};t={usage.reset}")
    if not policies:
        return {}
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(states)}
