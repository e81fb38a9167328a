"""Reads the grants and the rate overrides of a caller together."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import models
from django.db.models import IntegerField, Q, QuerySet, TextField, Value

from api_guard.core.rates import Override
from api_guard.core.scopes import Granted
from api_guard.grants.bundles import with_bundles
from api_guard.grants.grantees import Sides, held_by, parameters
from api_guard.grants.reading import (
    LiveGrant,
    as_granted,
    as_live,
    columns_of,
    database,
    joined,
    live_rows,
    values_of,
)
from api_guard.models import RateOverride, ScopeGrant
from api_guard.models.statements import Parameter, Statement

_GRANT, _OVERRIDE = 0, 1


def granted_with_overrides(
    user: models.Model | None,
    client_id: object,
    scopes: Sequence[str] | None = None,
    rates: Sequence[str] | None = None,
) -> tuple[Granted, tuple[LiveGrant, ...], tuple[Override, ...]]:
    """Return, with one query, the result of `granted` and the live overrides of a caller.

    `scopes` and `rates` (names of overrides) limit the result. None means all.
    """
    if user is None and client_id is None:
        return Granted(), (), ()
    if scopes is not None and rates is not None and not (scopes or rates):
        return as_granted(user, client_id, ()), (), ()
    sides = Sides.of(user, client_id, database())
    names = None if scopes is None else with_bundles(scopes)
    counts = [None if asked is None else len(asked) for asked in (names, rates)]
    values = values_of(user, client_id, names or ())
    values |= {f"rate{number}": name for number, name in enumerate(rates or ())}
    rows: list[list[Any]] = []
    overrides: list[Override] = []
    for *row, kind in _statement(sides, *counts).rows(values):
        if kind == _OVERRIDE:
            overrides.append(Override(row[1], row[0]))
        else:
            rows.append(row)
    found = as_live(rows)
    return as_granted(user, client_id, found), found, tuple(overrides)


@cache
def _statement(sides: Sides, scopes: int | None, rates: int | None) -> Statement:
    client: Any = ScopeGrant._meta.get_field("client")
    # The same number and types of columns as for grants.
    columns = (
        "limit",
        "name",
        Value(None, client.target_field),
        *([Value(None, TextField())] if sides.has_bundles else []),
        Value(_OVERRIDE, IntegerField()),
    )

    def build() -> QuerySet[Any, Any]:
        grants = live_rows(sides, scopes, *columns_of(sides), Value(_GRANT, IntegerField()))
        overrides = () if rates == 0 else live_overrides(sides, rates, *columns)
        return joined(*(() if scopes == 0 else grants), *overrides)

    return Statement(ScopeGrant, build)


def live_overrides(sides: Sides, count: int | None, *columns: Any) -> list[QuerySet[Any, Any]]:
    """Return the queries for the live overrides of a caller, of `count` rates or of all."""
    now = Parameter("now", models.DateTimeField())
    rows = RateOverride.objects.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now))
    asked = None if count is None else parameters("rate", "name", RateOverride, count)
    return held_by(rows.order_by().values_list(*columns), sides, "name", asked)
