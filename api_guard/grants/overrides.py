"""Reads grants together with the limits that a caller has in place of those in code."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import models
from django.db.models import IntegerField, Q, QuerySet, Value

from api_guard import conf
from api_guard.core.rates import Override
from api_guard.core.scopes import Granted
from api_guard.grants.reading import LiveGrant, as_granted, counting, holders_of, joined, values_of
from api_guard.models import RateOverride, ScopeGrant
from api_guard.statements import Parameter, Statement

_GRANT, _OVERRIDE = 0, 1


def granted_with_overrides(
    user: models.Model | None, client_id: object
) -> tuple[Granted, tuple[LiveGrant, ...], tuple[Override, ...]]:
    """Return, in one query, what `granted` returns and the overrides of a caller that count now."""
    if user is None and client_id is None:
        return Granted(), (), ()
    user_model = None if user is None else user._meta.model
    is_everyone = conf.everyone_group() is not None
    statement = _statement(user_model, client_id is not None, is_everyone)
    rows: list[LiveGrant] = []
    overrides: list[Override] = []
    for number, name, client, last_used_at, kind in statement.rows(values_of(user, client_id)):
        if kind == _OVERRIDE:
            overrides.append(Override(name, number))
        else:
            rows.append(LiveGrant(number, name, client is not None, last_used_at))
    return as_granted(user, client_id, rows), tuple(rows), tuple(overrides)


@cache
def _statement(user_model: type[models.Model] | None, client: bool, everyone: bool) -> Statement:
    def build() -> QuerySet[Any, Any]:
        now = Parameter("now", models.DateTimeField())
        holders = holders_of(user_model, client=client, everyone=everyone)
        grants = ScopeGrant.objects.filter(counting(now)).order_by()
        grants = grants.values_list(
            "pk", "scope", "client", "last_used_at", Value(_GRANT, IntegerField())
        )
        unexpired = Q(expires_at__isnull=True) | Q(expires_at__gt=now)
        client_field: Any = ScopeGrant._meta.get_field("client")
        limits = RateOverride.objects.filter(unexpired).order_by()
        limits = limits.values_list(
            "limit",
            "name",
            Value(None, client_field.target_field),
            Value(None, models.DateTimeField()),
            Value(_OVERRIDE, IntegerField()),
        )
        return joined(grants, holders, *(limits.filter(holder) for holder in holders))

    return Statement(ScopeGrant, build)
