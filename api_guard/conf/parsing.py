"""Settings of the limits of a request."""

from __future__ import annotations

from api_guard.conf.values import Rule, read
from api_guard.core.limits import DEFAULT, Limits, LimitsError, parse_limits


def limits() -> Limits:
    """The limits of every request. If one of them is invalid, all have their defaults."""
    said = read("LIMITS")
    if said is None:
        return DEFAULT
    try:
        return DEFAULT.but(parse_limits(said))
    except LimitsError:
        return DEFAULT


def _are_limits(value: object) -> bool:
    try:
        parse_limits(value)
    except LimitsError:
        return False
    return True


RULES: dict[str, Rule] = {
    "LIMITS": (
        _are_limits,
        f"must map names of limits to whole numbers: {', '.join(vars(DEFAULT))}",
        f'{{"bytes": {DEFAULT.bytes}}}',
    ),
}
