"""Rates: limits over a period, their use, and the header fields that report it."""

from api_guard.core.rates.fields import rate_limit_fields
from api_guard.core.rates.overrides import Override, overridden, override_name
from api_guard.core.rates.rate import (
    CEILING,
    OneRate,
    Rate,
    RateError,
    Rates,
    budget,
    cost,
    parse_rates,
    sliding,
)
from api_guard.core.rates.usage import BUCKETS, Counter, Usage, retry_after
from api_guard.core.rates.windows import PARTS, FixedWindow, Room, SlidingWindow, Window, window_of

__all__ = [
    "BUCKETS",
    "CEILING",
    "PARTS",
    "Counter",
    "FixedWindow",
    "OneRate",
    "Override",
    "Rate",
    "RateError",
    "Rates",
    "Room",
    "SlidingWindow",
    "Usage",
    "Window",
    "budget",
    "cost",
    "overridden",
    "override_name",
    "parse_rates",
    "rate_limit_fields",
    "retry_after",
    "sliding",
    "window_of",
]
