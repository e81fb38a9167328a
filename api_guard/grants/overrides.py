"""Reads grants together with the limits that a caller has in place of those in code."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import models
from django.db.models import IntegerField, Q, QuerySet, Value

from api_guard.core.rates import Override
from api_guard.core.scopes import Granted
from api_guard.grants.holders import Sides, held_by, parameters
from api_guard.grants.reading import (
    COLUMNS,
    LiveGrant,
    as_granted,
    database,
    joined,
    live_rows,
    values_of,
)
from api_guard.models import RateOverride, ScopeGrant
from api_guard.statements import Parameter, Statement

_GRANT, _OVERRIDE = 0, 1


def granted_with_overrides(
    user: models.Model | None,
    client_id: object,
    scopes: Sequence[str] | None = None,
    rates: Sequence[str] | None = None,
) -> tuple[Granted, tuple[LiveGrant, ...], tuple[Override, ...]]:
    """Return, in one query, what `granted` returns and the overrides of a caller that count now.

    `scopes` and `rates`, the names of overrides, are those that are asked for, None for all.
    """
    if user is None and client_id is None:
        return Granted(), (), ()
    if scopes is not None and rates is not None and not (scopes or rates):
        return as_granted(user, client_id, ()), (), ()
    sides = Sides.of(user, client_id, database())
    counts = [None if asked is None else len(asked) for asked in (scopes, rates)]
    values = values_of(user, client_id, scopes or ())
    values |= {f"rate{number}": name for number, name in enumerate(rates or ())}
    rows: list[LiveGrant] = []
    overrides: list[Override] = []
    for number, name, client, last_used_at, kind in _statement(sides, *counts).rows(values):
        if kind == _OVERRIDE:
            overrides.append(Override(name, number))
        else:
            rows.append(LiveGrant(number, name, client is not None, last_used_at))
    return as_granted(user, client_id, rows), tuple(rows), tuple(overrides)


@cache
def _statement(sides: Sides, scopes: int | None, rates: int | None) -> Statement:
    def build() -> QuerySet[Any, Any]:
        grants = live_rows(sides, scopes, *COLUMNS, Value(_GRANT, IntegerField()))
        return joined(*(() if scopes == 0 else grants), *_overrides(sides, rates))

    return Statement(ScopeGrant, build)


def _overrides(sides: Sides, count: int | None) -> list[QuerySet[Any, Any]]:
    """Return the overrides of a caller in the columns of grants."""
    if count == 0:
        return []
    now = Parameter("now", models.DateTimeField())
    client: Any = ScopeGrant._meta.get_field("client")
    rows = RateOverride.objects.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now))
    rows = rows.order_by().values_list(
        "limit",
        "name",
        Value(None, client.target_field),
        Value(None, models.DateTimeField()),
        Value(_OVERRIDE, IntegerField()),
    )
    asked = None if count is None else parameters("rate", "name", RateOverride, count)
    return held_by(rows, sides, "name", asked)
