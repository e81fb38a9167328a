"""Looks up: what a caller holds now, and that it was used."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.contrib.auth.models import Group
from django.core.exceptions import FieldDoesNotExist
from django.db import models, router, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from api_guard import conf
from api_guard.core.scopes import Granted
from api_guard.grants.using import write_use
from api_guard.models import ScopeGrant, is_past
from api_guard.statements import Parameter, Statement


@dataclass(frozen=True)
class LiveGrant:
    """A row that the request path read: what is granted, to which side, and when it was used."""

    pk: int
    scope: str
    to_client: bool
    last_used_at: datetime | None


def live_grants(user: models.Model | None, client_id: object) -> tuple[LiveGrant, ...]:
    """Read, in one query, every live grant of a user (its groups' and everyone's) and a client."""
    if user is None and client_id is None:
        return ()
    user_model = None if user is None else user._meta.model
    is_everyone = conf.everyone_group() is not None
    statement = _live_statement(user_model, client_id is not None, is_everyone)
    return tuple(
        LiveGrant(pk, scope, holder is not None, last_used_at)
        for pk, scope, holder, last_used_at in statement.rows(values_of(user, client_id))
    )


def values_of(user: models.Model | None, client_id: object) -> dict[str, object]:
    """Return the values of the parameters that `holders_of` and `live` leave open."""
    return {
        "now": timezone.now(),
        "user": None if user is None else user.pk,
        "client": client_id,
        "everyone": conf.everyone_group(),
    }


@cache
def _live_statement(
    user_model: type[models.Model] | None, client: bool, everyone: bool
) -> Statement:
    def build() -> QuerySet[ScopeGrant, Any]:
        is_live = counting(Parameter("now", models.DateTimeField()))
        rows = ScopeGrant.objects.filter(is_live).order_by()
        columns = rows.values_list("pk", "scope", "client", "last_used_at")
        return joined(columns, holders_of(user_model, client=client, everyone=everyone))

    return Statement(ScopeGrant, build)


def joined(rows: QuerySet[Any, Any], holders: list[Q], *others: Any) -> QuerySet[Any, Any]:
    """Return the rows of several holders, and other querysets, in one query.

    Each holder is asked for by itself: with an OR between them a database reads the whole table.
    """
    first, *more = (rows.filter(holder) for holder in holders)
    # Django 6.1 would order the whole by what orders grants.
    return first.union(*more, *others, all=True).order_by() if more or others else first


def holders_of(user_model: type[models.Model] | None, *, client: bool, everyone: bool) -> list[Q]:
    """Match what is held by a user, by its groups, by everyone's, and by a client, one by one."""
    holders = []
    if user_model is not None:
        holders += _of_user(user_model, everyone)
    if client:
        holders.append(Q(client=_parameter("client")))
    return holders


def _of_user(user_model: type[models.Model], everyone: bool) -> list[Q]:
    """Match a user, its groups and the group of everyone."""
    holders = [Q(user=_parameter("user"))]
    try:
        membership: Any = user_model._meta.get_field("groups")
    except FieldDoesNotExist:
        pass  # a user model without PermissionsMixin has no groups
    else:
        members = membership.remote_field.through._base_manager.filter(
            **{membership.m2m_field_name(): _parameter("user")}
        )
        holders.append(Q(group__in=members.values(membership.m2m_reverse_field_name())))
    if everyone:
        name = Parameter("everyone", Group._meta.get_field("name"))
        holders.append(Q(group__in=Group.objects.filter(name=name).values("pk")))
    return holders


def _parameter(holder: str) -> Parameter:
    field: Any = ScopeGrant._meta.get_field(holder)
    return Parameter(holder, field.target_field)


def granted(user: models.Model | None, client_id: object) -> tuple[Granted, tuple[LiveGrant, ...]]:
    """Return what was granted to the two sides of a caller, and the rows that say so."""
    rows = live_grants(user, client_id)
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
    now = timezone.now()
    due = now - timedelta(seconds=conf.last_used_interval())
    used = frozenset(scopes)
    stale = [
        row.pk
        for row in rows
        if row.scope in used and (row.last_used_at is None or is_past(row.last_used_at, due))
    ]
    if stale:
        alias = database()
        transaction.on_commit(lambda: write_use(alias, stale, now, due), using=alias)


def database() -> str:
    """Return the alias of the database that grants are written to."""
    return router.db_for_write(ScopeGrant)
