"""Reads the live grants of a caller."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.db import models, router
from django.db.models import Q, QuerySet
from django.utils import timezone

from api_guard.core.scopes import Granted
from api_guard.grants.bundles import PINNED, opened, with_bundles
from api_guard.grants.grantees import Sides, held_by, parameters, values_of_everyone
from api_guard.models import ScopeGrant
from api_guard.models.statements import Parameter, Statement

COLUMNS = ("pk", "scope", "client")


@dataclass(frozen=True)
class LiveGrant:
    """A live grant as a request reads it, given to the client or to the user's side."""

    pk: int
    scope: str
    to_client: bool


def live_grants(
    user: models.Model | None, client_id: object, scopes: Sequence[str] | None = None
) -> tuple[LiveGrant, ...]:
    """Read, with one query, the live grants of a user, its groups, everyone and a client.

    `scopes` limits the result. None means all.
    """
    if (user is None and client_id is None) or (scopes is not None and not scopes):
        return ()
    sides = Sides.of(user, client_id, database())
    asked = None if scopes is None else with_bundles(scopes)
    statement = _live_statement(sides, None if asked is None else len(asked))
    return as_live(statement.rows(values_of(user, client_id, asked or ())))


def as_live(rows: Iterable[Sequence[Any]]) -> tuple[LiveGrant, ...]:
    """Return the grants in rows of `COLUMNS`. A bundle becomes one grant for each scope it opens.

    The rows have a last column, `PINNED`, if there are bundles.
    """
    return tuple(
        LiveGrant(pk, scope, client is not None)
        for pk, name, client, *pinned in rows
        for scope in opened(name, pinned[0] if pinned else None)
    )


def values_of(
    user: models.Model | None, client_id: object, scopes: Iterable[str] = ()
) -> dict[str, object]:
    """Return the values for the parameters of `held_by` and `counting`."""
    return {
        "now": timezone.now(),
        "user": None if user is None else user.pk,
        "client": client_id,
        **values_of_everyone(),
        **{f"scope{number}": scope for number, scope in enumerate(scopes)},
    }


@cache
def _live_statement(sides: Sides, count: int | None) -> Statement:
    return Statement(ScopeGrant, lambda: joined(*live_rows(sides, count, *columns_of(sides))))


def columns_of(sides: Sides) -> tuple[Any, ...]:
    """Return the columns of the live grants of a caller."""
    return (*COLUMNS, PINNED) if sides.has_bundles else COLUMNS


def live_rows(sides: Sides, count: int | None, *columns: Any) -> list[QuerySet[Any, Any]]:
    """Return the queries for the live grants of a caller, of `count` names or of all."""
    is_live = counting(Parameter("now", models.DateTimeField()))
    rows = ScopeGrant.objects.filter(is_live).order_by().values_list(*columns)
    asked = None if count is None else parameters("scope", "scope", ScopeGrant, count)
    return held_by(rows, sides, "scope", asked)


def joined(*selects: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
    """Return the union of several queries."""
    first, *others = selects
    # Django 6.1 would apply the default ordering of grants to the union.
    return first.union(*others, all=True).order_by() if others else first


def granted(
    user: models.Model | None, client_id: object, scopes: Sequence[str] | None = None
) -> tuple[Granted, tuple[LiveGrant, ...]]:
    """Return the scopes granted to the user and to the client of a caller, and the rows.

    `scopes` limits the result. None means all.
    """
    rows = live_grants(user, client_id, scopes)
    return as_granted(user, client_id, rows), rows


def as_granted(user: models.Model | None, client_id: object, rows: Iterable[LiveGrant]) -> Granted:
    """Split the rows by user and client. A caller without one of them has None for it."""
    rows = tuple(rows)
    return Granted(
        user=None if user is None else frozenset(r.scope for r in rows if not r.to_client),
        client=None if client_id is None else frozenset(r.scope for r in rows if r.to_client),
    )


def scopes_of_client(client_id: object) -> frozenset[str]:
    """Return the scopes granted to a client now."""
    return granted(None, client_id)[0].client or frozenset()


def get(pk: int) -> ScopeGrant:
    """Return a grant as the database has it."""
    return stored().get(pk=pk)


def live(now: datetime | None = None) -> QuerySet[ScopeGrant]:
    """Return the grants that are live at `now`."""
    return stored().filter(counting(now or timezone.now()))


def counting(now: datetime | Parameter) -> Q:
    """Match the grants that are live at `now`: neither revoked nor expired."""
    return Q(live=1) & (Q(expires_at__isnull=True) | Q(expires_at__gt=now))


def stored() -> QuerySet[ScopeGrant]:
    """Return all grants, from the database that they are written to: a replica may be behind."""
    return ScopeGrant.objects.using(database())


def database() -> str:
    """Return the alias of the database that grants are written to."""
    return router.db_for_write(ScopeGrant)
