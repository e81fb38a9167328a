"""Finds the grants behind a scope: those of a caller, those of everybody, and ended ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from api_guard import conf
from api_guard.grants.bundles import is_bundle, opened, pinned, with_bundles
from api_guard.grants.reading import live, live_grants, stored
from api_guard.models import ScopeGrant
from api_guard.models.memberships import groups_in

_GIVEN = {
    "user": _("%(scope)s to user %(name)s"),
    "group": _("%(scope)s to group %(name)s"),
    "client": _("%(scope)s to client %(name)s"),
    "everyone": _("%(scope)s to everyone"),
    "nobody": _("%(scope)s to nobody"),
}


@dataclass(frozen=True)
class Way:
    """A grant that gives a scope: to a user, a group, everyone or a client.

    `name` is what the grantee is called. `ended` says how the grant ended; "" while it counts.
    `bundle` is the bundle that was granted, if the scope comes from one.
    """

    scope: str
    kind: str
    name: str
    pk: object
    expires_at: datetime | None = None
    ended: str = ""
    bundle: str = ""

    def __str__(self) -> str:
        scope = self.scope
        if self.bundle:
            scope = gettext("%(scope)s by bundle %(bundle)s") % {
                "scope": scope,
                "bundle": self.bundle,
            }
        until = ""
        if self.expires_at is not None:
            until = gettext(" until %s") % f"{self.expires_at:%Y-%m-%d %H:%M}"
        given = gettext(_GIVEN[self.kind]) % {"scope": scope, "name": self.name}
        return given + (self.ended or until)


def ways(user: models.Model | None, client_id: object, scopes: Sequence[str]) -> tuple[Way, ...]:
    """Return the grants by which a caller holds these scopes now: those that a request reads."""
    found = {row.pk for row in live_grants(user, client_id, tuple(scopes))}
    return _ways(stored().filter(pk__in=found), scopes)


def holders(scopes: Iterable[str]) -> tuple[Way, ...]:
    """Return every live grant of these scopes."""
    asked = tuple(scopes)
    return _ways(live().filter(scope__in=with_bundles(asked)), asked)


def ended(user: models.Model | None, client_id: object, scopes: Iterable[str]) -> tuple[Way, ...]:
    """Return the grants of these scopes that a caller had and that have ended."""
    grantees = Q(pk__in=[])
    if user is not None:
        grantees |= Q(user=user.pk) | Q(group__in=groups_of(user))
    if client_id is not None:
        grantees |= Q(client=client_id)
    # Written out: NOT of a condition on `live` would be NULL where that is NULL.
    is_over = Q(live__isnull=True) | Q(expires_at__lte=timezone.now())
    asked = tuple(scopes)
    return _ways(stored().filter(grantees, is_over, scope__in=with_bundles(asked)), asked)


def groups_of(user: models.Model) -> QuerySet[Group]:
    """Return the groups of a user, and the group of everyone."""
    groups: Any = groups_in(user)
    own = Q(pk__in=[]) if groups is None else Q(pk__in=groups.values("pk"))
    return Group.objects.filter(own | Q(name=conf.everyone_group() or ""))


def _ways(rows: QuerySet[ScopeGrant], asked: Sequence[str]) -> tuple[Way, ...]:
    found = list(rows.select_related("user", "group", "client").order_by("scope", "pk"))
    pins = pinned((row.scope for row in found), rows.db)
    # The database says which name is that of everyone: some ignore case.
    names = Group.objects.using(rows.db).filter(name=conf.everyone_group() or "")
    everyone = set(names.values_list("pk", flat=True))
    return tuple(
        _way(row, scope, everyone)
        for row in found
        for scope in opened(row.scope, pins.get(row.scope))
        if not is_bundle(row.scope) or scope in asked
    )


def _way(row: ScopeGrant, scope: str, everyone: set[int]) -> Way:
    kind, grantee, ended = row.grantee_kind, row.grantee, ""
    if row.revoked_at is not None:
        ended = gettext(", revoked on %s") % f"{row.revoked_at:%Y-%m-%d %H:%M}"
    elif not row.is_live():
        ended = gettext(", expired on %s") % f"{row.expires_at:%Y-%m-%d %H:%M}"
    # A sensitive scope goes to the members of that group alone.
    if row.group_id in everyone and row.scope not in conf.sensitive_scopes():
        kind = "everyone"
    pk = None if grantee is None else grantee.pk
    bundle = row.scope if is_bundle(row.scope) else ""
    return Way(scope, kind, str(grantee), pk, row.expires_at, ended, bundle)
