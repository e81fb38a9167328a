"""Settings of failed credentials: how many are allowed before the next one is refused."""

from __future__ import annotations

from collections.abc import Mapping

from api_guard.conf.values import Rule, read
from api_guard.core.attempts import DEFAULTS, KINDS, Limits
from api_guard.core.rates import Rate, RateError, parse_rates


def failed_credentials() -> Limits | None:
    """The limits by kind; None if they are switched off. Invalid values mean the defaults."""
    value = read("FAILED_CREDENTIALS")
    if value is False:
        return None
    if not isinstance(value, Mapping):
        return DEFAULTS
    return {kind: _rates(value.get(kind)) or DEFAULTS[kind] for kind in KINDS}


def _rates(value: object) -> tuple[Rate, ...]:
    try:
        rates = parse_rates(value)
    except RateError:
        return ()
    return () if any(rate.cost > 1 or rate.budget for rate in rates) else rates


def _are_limits(value: object) -> bool:
    if value is False:
        return True
    is_known = isinstance(value, Mapping) and value.keys() <= set(KINDS)
    return is_known and isinstance(value, Mapping) and all(map(_rates, value.values()))


RULES: dict[str, Rule] = {
    "FAILED_CREDENTIALS": (
        _are_limits,
        f"must be False, or a mapping of {', '.join(KINDS)} to rates",
        "{" + ", ".join(f'"{kind}": "{DEFAULTS[kind][0]}"' for kind in KINDS) + "}",
    ),
}
