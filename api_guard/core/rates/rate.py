"""A limit over a period. Only exact notations are accepted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

_RATE = re.compile(r"(?P<limit>[0-9]{1,9})/(?P<count>[0-9]{0,4})(?P<unit>[smhd])", re.ASCII)
_BUDGET = re.compile(r"[a-z][a-z0-9_.-]{0,49}", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

# The budget of all requests of a caller to the API. It is set in the settings.
CEILING = "api"


class RateError(ValueError):
    """A rate that cannot be read."""


@dataclass(frozen=True)
class Rate:
    """At most `limit` requests in every period of `seconds`.

    A request takes `cost` of the limit. Rates with the same `budget` are counted together; without
    one, each view counts separately. A sliding rate holds in any period of that length. A fixed
    rate holds in consecutive periods.
    """

    limit: int
    seconds: int
    cost: int = 1
    budget: str = ""
    is_sliding: bool = False

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
            raise RateError(f"{text!r} has an empty period: write at least 1, such as '5/1s'.")
        if int(match["limit"]) == 0:
            raise RateError(
                f"{text!r} allows no requests: remove the requirement of the slot instead."
            )
        return cls(int(match["limit"]), seconds)

    @cached_property
    def name(self) -> str:
        """The name in headers and refusals: `100/m`, `search 30/m`."""
        return f"{self.budget} {self.written}" if self.budget else self.written

    @cached_property
    def written(self) -> str:
        """Only the limit and the period: `100/m`."""
        return f"{self.limit}/{self.period}"

    @cached_property
    def period(self) -> str:
        """The period as written in a rate: `m`, `15m`."""
        for unit in ("d", "h", "m"):
            count, rest = divmod(self.seconds, _SECONDS[unit])
            if rest == 0:
                return f"{'' if count == 1 else count}{unit}"
        return f"{'' if self.seconds == 1 else self.seconds}s"

    def __str__(self) -> str:
        sliding = " sliding" if self.is_sliding else ""
        return f"{self.name}{sliding}" if self.cost == 1 else f"{self.cost} of {self.name}{sliding}"


# What `throttle=` takes: a rate, or several. `budget()`, `cost()` and `sliding()` return some.
OneRate = str | Rate | tuple[Rate, ...]
Rates = OneRate | Sequence[OneRate]


def parse_rates(value: object) -> tuple[Rate, ...]:
    """Read one or more rates. Raise RateError for anything else, also for an empty list."""
    rates = tuple(_flat(value))
    if not rates:
        raise RateError("An empty list of rates has no effect: remove it.")
    if len({(rate.budget, rate.seconds) for rate in rates}) != len(rates):
        raise RateError(f"{value!r} has two rates for one period: keep the smaller one.")
    return rates


def cost(units: int, *rates: OneRate) -> tuple[Rate, ...]:
    """Take `units` of each rate with every request, as `throttle=cost(10, "1000/h")`.

    Raises RateError.
    """
    if not _is_cost(units):
        raise RateError(f"cost({units!r}, ...) is not a cost: write a whole number of at least 1.")
    parsed = parse_rates(rates)
    for rate in parsed:
        if units > rate.limit:
            raise RateError(
                f"cost({units}, {rate.written!r}) allows no requests: write a cost up to the limit."
            )
    return tuple(replace(rate, cost=units) for rate in parsed)


def budget(name: str, *rates: OneRate) -> tuple[Rate, ...]:
    """Count all rates with the same budget together, as `throttle=budget("search", "30/m")`.

    Raises RateError.
    """
    if not _is_name(name):
        raise RateError(
            f"budget({name!r}, ...) is not a name: write a small letter, then small letters, "
            "digits, '_', '.' and '-', at most 50 in all."
        )
    if name == CEILING:
        raise RateError(
            f"budget({name!r}, ...) is the ceiling of the whole API: "
            'set it as API_GUARD["CEILING"], or choose another name.'
        )
    return tuple(replace(rate, budget=name) for rate in parse_rates(rates))


def sliding(*rates: OneRate) -> tuple[Rate, ...]:
    """Count in sliding windows, so that the limit holds in every period. Raises RateError."""
    return tuple(replace(rate, is_sliding=True) for rate in parse_rates(rates))


def _is_cost(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_name(value: object) -> bool:
    return isinstance(value, str) and _BUDGET.fullmatch(value) is not None


def _flat(value: object) -> Iterator[Rate]:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _flat(item)
    else:
        yield Rate.parse(value)
