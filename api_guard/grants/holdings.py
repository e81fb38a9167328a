"""Lists what a grantee holds, and through which grant; and which rows give one scope."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from operator import itemgetter

from django.contrib.auth.models import Group
from django.db import models
from django.db.models import QuerySet
from django.utils import timezone

from api_guard import conf
from api_guard.grants.bundles import opened, pinned
from api_guard.grants.finding import held, kind_of
from api_guard.grants.reading import counting, database, live, live_grants, stored
from api_guard.models import ScopeGrant

# Everything that a page shows of a grant.
_SHOWN = ("user", "group", "client", "granted_by", "use")


@dataclass(frozen=True)
class Holding:
    """A scope that a grantee holds through one grant: its own, a group's or everyone's.

    `through` is user, group, everyone or client. `is_own` is true for a grant to the grantee. The
    grant may be one of a bundle that opens the scope.
    """

    row: ScopeGrant
    scope: str
    through: str
    is_own: bool

    @property
    def bundle(self) -> str:
        """The bundle that gives the scope, or "" if the scope itself was granted."""
        return self.row.scope if self.row.scope != self.scope else ""


def live_keys(grantee: models.Model) -> list[tuple[int, str]]:
    """Return the primary key and a scope of each live grant of a grantee, by scope.

    A grant of a bundle comes once for each scope that it opens.

    They are those that a request reads: a user also holds what its groups and everyone have.
    Raises GrantError `no_grantee`.
    """
    kind = kind_of(grantee)
    if kind == "group":
        rows = list(_own(grantee).order_by().values_list("pk", "scope"))
        pins = pinned((name for _, name in rows), database())
        found = [(pk, scope) for pk, name in rows for scope in opened(name, pins.get(name))]
    else:
        user, client_id = (grantee, None) if kind == "user" else (None, grantee.pk)
        found = [(row.pk, row.scope) for row in live_grants(user, client_id)]
    return sorted(found, key=itemgetter(1, 0))


def own_scopes(grantee: models.Model) -> frozenset[str]:
    """Return the scopes and the bundles of a grantee's own live grants."""
    return frozenset(_own(grantee).order_by().values_list("scope", flat=True))


def count_own(kind: str, keys: Collection[object]) -> dict[object, int]:
    """Return the number of live grants of some users, groups or clients, by primary key."""
    rows = live().filter(**{f"{kind}__in": list(keys)}).order_by()
    return dict(rows.values_list(f"{kind}_id").annotate(models.Count("pk")))


def holdings(grantee: models.Model, keys: Collection[tuple[int, str]]) -> tuple[Holding, ...]:
    """Describe some of the live grants of a grantee, as `live_keys` returns them."""
    kind = kind_of(grantee)
    rows = stored().filter(pk__in={key for key, _ in keys})
    everyone = everyones(rows.db) if kind == "user" else frozenset()
    found = rows.select_related(*_SHOWN).in_bulk()
    # Of everyone's group, a sensitive scope is that of its members alone.
    sensitive = conf.sensitive_scopes()
    shared = {
        key for key, row in found.items() if row.group_id in everyone and row.scope not in sensitive
    }
    return tuple(
        Holding(
            found[key],
            scope,
            "everyone" if key in shared else found[key].grantee_kind,
            found[key].grantee_kind == kind,
        )
        for key, scope in keys
        if key in found
    )


def rows_of_scope(scope: str, kind: str) -> QuerySet[ScopeGrant]:
    """Return the live grants of a scope, or of bundles that open it, the newest first.

    `kind` is user, group or client.
    """
    return rows_of_scopes([scope], kind)


def rows_of_scopes(scopes: Collection[str], kind: str) -> QuerySet[ScopeGrant]:
    """Return the live grants of some scopes, as `rows_of_scope` does of one."""
    pins = pinned(conf.bundles_with(scopes), database())
    names = {name for name, said in pins.items() if not set(scopes).isdisjoint(opened(name, said))}
    rows = live().filter(scope__in=[*scopes, *sorted(names)], **{f"{kind}__isnull": False})
    return rows.select_related(*_SHOWN).order_by("-granted_at", "-pk")


def _own(grantee: models.Model) -> QuerySet[ScopeGrant]:
    return held(grantee).filter(counting(timezone.now()))


def everyones(using: str) -> frozenset[object]:
    """Return the primary key of the group of everyone, if there is one."""
    name = conf.everyone_group()
    if name is None:
        return frozenset()
    return frozenset(Group.objects.using(using).filter(name=name).values_list("pk", flat=True))
