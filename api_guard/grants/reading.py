"""Looks up: what a caller holds now, and that it was used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.db import models, router, transaction
from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.utils import timezone

from api_guard import conf
from api_guard.core.scopes import Granted
from api_guard.grants.grantees import Sides, held_by, parameters, values_of_everyone
from api_guard.grants.using import write_use
from api_guard.models import ScopeGrant
from api_guard.models.statements import Parameter, Statement

# The last says whether a use would be written.
COLUMNS = (
    "pk",
    "scope",
    "client",
    Case(
        When(
            Q(last_used_at__isnull=True)
            | Q(last_used_at__lte=Parameter("due", models.DateTimeField())),
            then=Value(1),
        ),
        default=Value(0),
        output_field=IntegerField(),
    ),
)


@dataclass(frozen=True)
class LiveGrant:
    """A row that the request path read: what is granted, and to which side.

    `is_due` says that its last use was written an interval ago, or never.
    """

    pk: int
    scope: str
    to_client: bool
    is_due: bool


def live_grants(
    user: models.Model | None, client_id: object, scopes: Sequence[str] | None = None
) -> tuple[LiveGrant, ...]:
    """Read, in one query, the live grants of a user (its groups' and everyone's) and a client.

    `scopes` are those that are asked for, None for all.
    """
    if (user is None and client_id is None) or (scopes is not None and not scopes):
        return ()
    sides = Sides.of(user, client_id, database())
    statement = _live_statement(sides, None if scopes is None else len(scopes))
    rows = statement.rows(values_of(user, client_id, scopes or ()))
    return tuple(
        LiveGrant(pk, scope, grantee is not None, bool(is_due))
        for pk, scope, grantee, is_due in rows
    )


def values_of(
    user: models.Model | None, client_id: object, scopes: Iterable[str] = ()
) -> dict[str, object]:
    """Return the values of the parameters that `held_by` and `counting` leave open."""
    return {
        **moments(timezone.now()),
        "user": None if user is None else user.pk,
        "client": client_id,
        **values_of_everyone(),
        **{f"scope{number}": scope for number, scope in enumerate(scopes)},
    }


def moments(now: datetime) -> dict[str, datetime]:
    """Return the moments that rows are asked by: now, and when a use is due to be written anew."""
    return {"now": now, "due": now - timedelta(seconds=conf.last_used_interval())}


@cache
def _live_statement(sides: Sides, count: int | None) -> Statement:
    return Statement(ScopeGrant, lambda: joined(*live_rows(sides, count, *COLUMNS)))


def live_rows(sides: Sides, count: int | None, *columns: Any) -> list[QuerySet[Any, Any]]:
    """Return the live grants of a caller, of so many scopes or of all, in queries to be joined.

    Whatever else gives scopes, such as a bundle of them that is granted as one, would be a query
    more.
    """
    is_live = counting(Parameter("now", models.DateTimeField()))
    rows = ScopeGrant.objects.filter(is_live).order_by().values_list(*columns)
    asked = None if count is None else parameters("scope", "scope", ScopeGrant, count)
    return held_by(rows, sides, "scope", asked)


def joined(*selects: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
    """Return the rows of several queries in one."""
    first, *others = selects
    # Django 6.1 would order the whole by what orders grants.
    return first.union(*others, all=True).order_by() if others else first


def granted(
    user: models.Model | None, client_id: object, scopes: Sequence[str] | None = None
) -> tuple[Granted, tuple[LiveGrant, ...]]:
    """Return what was granted to the two sides of a caller, and the rows that say so.

    `scopes` are those that are asked for, None for all.
    """
    rows = live_grants(user, client_id, scopes)
    return as_granted(user, client_id, rows), rows


def as_granted(user: models.Model | None, client_id: object, rows: Iterable[LiveGrant]) -> Granted:
    """Sort the rows by the side that holds them; a side that there is not has None."""
    rows = tuple(rows)
    return Granted(
        user=None if user is None else frozenset(r.scope for r in rows if not r.to_client),
        client=None if client_id is None else frozenset(r.scope for r in rows if r.to_client),
    )


def scopes_of_client(client_id: object) -> frozenset[str]:
    """Return the scopes granted to a client now."""
    return granted(None, client_id)[0].client or frozenset()


def get(pk: int) -> ScopeGrant:
    """Return a grant as it stands in the database."""
    return stored().get(pk=pk)


def live(now: datetime | None = None) -> QuerySet[ScopeGrant]:
    """Return the grants that count at `now`."""
    return stored().filter(counting(now or timezone.now()))


def counting(now: datetime | Parameter) -> Q:
    """Match the grants that count at `now`: neither revoked nor expired."""
    return Q(live=1) & (Q(expires_at__isnull=True) | Q(expires_at__gt=now))


def stored() -> QuerySet[ScopeGrant]:
    """Return every grant, from the database that they are written to; a replica may lag."""
    return ScopeGrant.objects.using(database())


def record_use(rows: Iterable[LiveGrant], scopes: Iterable[str]) -> None:
    """Write `last_used_at` of the rows that gave `scopes`, after commit, once an interval each.

    Its failure is logged and refuses nobody, and it waits for no lock.
    """
    used = frozenset(scopes)
    due = [row.pk for row in rows if row.is_due and row.scope in used]
    if due:
        alias, said = database(), moments(timezone.now())
        transaction.on_commit(lambda: write_use(alias, due, said["now"], said["due"]), using=alias)


def database() -> str:
    """Return the alias of the database that grants are written to."""
    return router.db_for_write(ScopeGrant)
