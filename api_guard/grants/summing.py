"""Says of many grants what they are together: how many, of what, for whom, and their last use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Count, Max, QuerySet

from api_guard import conf
from api_guard.grants.effects import LAST_USE
from api_guard.grants.finding import active
from api_guard.grants.reading import database, live
from api_guard.models import GRANTEES, ScopeGrant
from api_guard.models.memberships import membership_of

_MOST_SCOPES = 20


@dataclass(frozen=True)
class OfScope:
    """How many of the grants give a scope, and when one of them was last used."""

    scope: str
    count: int
    last_used_at: datetime | None


@dataclass(frozen=True)
class Sum:
    """`kinds` counts the grants by kind of grantee; `scopes` has the scopes with the most."""

    count: int
    kinds: Mapping[str, int]
    scopes: tuple[OfScope, ...]
    other_scopes: int
    last_used_at: datetime | None


def summed(rows: QuerySet[ScopeGrant]) -> Sum:
    """Count the grants of a queryset, with two queries."""
    counts = {kind: Count(kind) for kind in GRANTEES}
    found = rows.order_by().aggregate(count=Count("pk"), last=Max(LAST_USE), **counts)
    of_scopes = rows.order_by().values("scope").annotate(n=Count("pk"), last=Max(LAST_USE))
    scopes = [OfScope(row["scope"], row["n"], row["last"]) for row in of_scopes]
    scopes.sort(key=lambda each: (-each.count, each.scope))
    return Sum(
        found["count"],
        {kind: found[kind] for kind in GRANTEES if found[kind]},
        tuple(scopes[:_MOST_SCOPES]),
        max(0, len(scopes) - _MOST_SCOPES),
        found["last"],
    )


def members(groups: Iterable[Group]) -> dict[Any, int]:
    """Return the number of active users in each group, by its primary key.

    Every active user is in the group of everyone.
    """
    user: Any = ScopeGrant._meta.get_field("user").related_model
    users = active(user._base_manager.using(database())).order_by()
    named = {group.pk: group for group in groups}
    found = dict.fromkeys(named, 0)
    if named and membership_of(user) is not None:
        counted = users.filter(groups__in=list(named)).values_list("groups").annotate(Count("pk"))
        found |= dict(counted)
    for pk, group in named.items():
        if conf.is_everyone_group(group.name):
            found[pk] = users.count()
    return found


def kept_through(rows: Sequence[ScopeGrant]) -> dict[int, list[Group]]:
    """Return, by grant of a user, the groups that give the user the same scope besides."""
    users = {row.user_id for row in rows if row.user_id is not None}
    user: Any = ScopeGrant._meta.get_field("user").related_model
    if not users or membership_of(user) is None:
        return {}
    scopes = {row.scope for row in rows}
    others = live().filter(scope__in=scopes, group__isnull=False).select_related("group")
    member_of = defaultdict(set)
    pairs = user.groups.through._base_manager.using(database())
    field = user.groups.field
    mine = pairs.filter(**{f"{field.m2m_field_name()}__in": users})
    for who, group in mine.values_list(f"{field.m2m_column_name()}", field.m2m_reverse_name()):
        member_of[who].add(group)
    everyone = Group.objects.using(database()).filter(name=conf.everyone_group() or "")
    for pk in everyone.values_list("pk", flat=True):
        for who in users:
            member_of[who].add(pk)
    asked = {group for groups in member_of.values() for group in groups}
    giving = defaultdict(list)
    for other in others.filter(group__in=asked).order_by("group__name"):
        giving[other.scope, other.group_id].append(other.group)
    return {
        row.pk: [
            group
            for pk in sorted(member_of.get(row.user_id, ()))
            for group in giving.get((row.scope, pk), ())
            if group is not None
        ]
        for row in rows
    }
