"""Limits of a grantee that replace the limits in code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from api_guard.core.rates.rate import Rate


@dataclass(frozen=True)
class Override:
    """Another limit for the rate with this name, from `override_name`."""

    name: str
    limit: int


def override_name(rate: Rate, view: str) -> str:
    """Return the name by which the limit of a rate is overridden.

    It is the name of the budget. Without a budget, it is the name of the view and of what the view
    counts together. The limit in code is not part of the name, so it may change.
    """
    subject = f"budget:{rate.budget}" if rate.budget else f"view:{view}"
    return f"{subject}/{rate.period}"


def overridden(rates: Iterable[Rate], view: str, overrides: Iterable[Override]) -> tuple[Rate, ...]:
    """Return the rates with their overrides applied. The largest override of a rate counts."""
    limits: dict[str, int] = {}
    for override in overrides:
        limits[override.name] = max(override.limit, limits.get(override.name, 0))
    if not limits:
        return tuple(rates)
    return tuple(
        replace(rate, limit=limits.get(override_name(rate, view), rate.limit)) for rate in rates
    )
