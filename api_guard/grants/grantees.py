"""Finds the rows of a caller by index: of its user, the user's groups, everyone, and its client."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group
from django.db import connections, models
from django.db.models import BooleanField, F, Func, OuterRef, Q, QuerySet, Subquery

from api_guard import conf
from api_guard.models import ScopeGrant
from api_guard.models.memberships import membership_of
from api_guard.models.statements import Parameter


@dataclass(frozen=True)
class Sides:
    """Which parts a caller has (user, client), and the vendor of the database.

    The user's groups and the group of everyone belong to the user. In a subquery, `outer` contains
    the lookups of the user's and the client's primary keys in the outer query. `sensitive` is the
    number of scopes that the group of everyone does not give. With `has_bundles`, the rows have a
    column more: what is pinned for their bundle.
    """

    user_model: type[models.Model] | None
    has_client: bool
    has_everyone: bool
    vendor: str
    sensitive: int = 0
    has_bundles: bool = False
    outer: tuple[str, str] | None = None

    @classmethod
    def of(cls, user: models.Model | None, client_id: object, alias: str) -> Sides:
        """Return the sides of a caller."""
        has_everyone = conf.everyone_group() is not None
        return cls(
            None if user is None else user._meta.model,
            client_id is not None,
            has_everyone,
            connections[alias].vendor,
            len(conf.sensitive_scopes()) if has_everyone else 0,
            conf.has_bundles(),
        )


def values_of_everyone() -> dict[str, object]:
    """Return the values of the parameters of everyone's group."""
    everyone = conf.everyone_group()
    names = () if everyone is None else conf.sensitive_scopes()
    return {
        "everyone": everyone,
        **{f"sensitive{number}": name for number, name in enumerate(names)},
    }


def parameters(name: str, field: str, model: type[models.Model], count: int) -> list[Parameter]:
    """Return `count` parameters for values of a field: `scope0`, `scope1` and so on."""
    column: Any = model._meta.get_field(field)
    return [Parameter(f"{name}{number}", column) for number in range(count)]


def held_by(
    rows: QuerySet[Any, Any], sides: Sides, field: str, asked: Sequence[Parameter] | None
) -> list[QuerySet[Any, Any]]:
    """Return the rows of a caller whose `field` is in `asked`; with None, all rows of the caller.

    With an OR over a subquery, PostgreSQL, MySQL and MariaDB read the whole table. With an OR over
    an array, PostgreSQL uses its indexes, and plans one query faster than several. The other
    databases get one SELECT for each grantee. MySQL and MariaDB also get one for each value: they
    look up several values by index only in a query without joins.
    """
    is_asked = Q() if asked is None else Q(**{f"{field}__in": asked})
    groups = [(g, Q()) for g in _groups(sides)]
    groups += [(g, _but_sensitive(sides, field)) for g in _everyone(sides)]
    if sides.vendor == "postgresql":
        grantee = Q()
        for each in _one_by_one(sides):
            grantee |= each
        for group, given in groups:
            grantee |= Q(_IsAnyOf(F("group_id"), _Array(group))) & given
        return [rows.filter(is_asked, grantee)]
    found = [rows.filter(is_asked, each) for each in _one_by_one(sides)]
    one_by_one = sides.vendor == "mysql" and asked is not None
    each_asked = [Q(**{field: one}) for one in asked or ()] if one_by_one else [is_asked]
    return found + [
        rows.filter(one, given, group__in=group) for group, given in groups for one in each_asked
    ]


def _one_by_one(sides: Sides) -> list[Q]:
    grantees = []
    if sides.user_model is not None:
        grantees.append(Q(user=_grantee("user", sides)))
    if sides.has_client:
        grantees.append(Q(client=_grantee("client", sides)))
    return grantees


def _groups(sides: Sides) -> list[QuerySet[Any, Any]]:
    """Return the primary keys of the groups of a user."""
    membership = None if sides.user_model is None else membership_of(sides.user_model)
    if membership is None:
        return []
    members = membership.remote_field.through._base_manager.filter(
        **{membership.m2m_field_name(): _grantee("user", sides, depth=2)}
    )
    return [members.order_by().values(membership.m2m_reverse_field_name())]


def _everyone(sides: Sides) -> list[QuerySet[Any, Any]]:
    """Return the primary key of the group of everyone."""
    if sides.user_model is None or not sides.has_everyone:
        return []
    name = Parameter("everyone", Group._meta.get_field("name"))
    return [Group.objects.filter(name=name).order_by().values("pk")]


def _but_sensitive(sides: Sides, field: str) -> Q:
    """Match what everyone's group gives: no sensitive scope, even if it was granted before."""
    if field != "scope" or not sides.sensitive:
        return Q()
    return ~Q(scope__in=parameters("sensitive", "scope", ScopeGrant, sides.sensitive))


def _grantee(kind: str, sides: Sides, *, depth: int = 1) -> Parameter | OuterRef:
    """Return the grantee's key: a parameter, or a column of the query `depth` levels above."""
    if sides.outer is not None:
        place: Any = sides.outer[kind == "client"]
        for _ in range(depth):
            place = OuterRef(place)
        return place  # type: ignore[no-any-return]
    field: Any = ScopeGrant._meta.get_field(kind)
    return Parameter(kind, field.target_field)


class _Array(Subquery):
    """A subquery as an array. PostgreSQL runs it once, before it looks for the rows."""

    template = "ANY(ARRAY(%(subquery)s))"


class _IsAnyOf(Func):
    template = "(%(expressions)s)"
    arg_joiner = " = "
    output_field: Any = BooleanField()
