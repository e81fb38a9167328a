"""Finds the grants of one grantee, including expired ones."""

from __future__ import annotations

from django.db import models
from django.db.models import QuerySet

from api_guard.grants.errors import GrantError
from api_guard.grants.reading import stored
from api_guard.models import GRANTEES, Held, ScopeGrant


def kind_of(grantee: object) -> str:
    """Return `user`, `group` or `client`. Raises GrantError `no_grantee`."""
    for kind in GRANTEES:
        model = ScopeGrant._meta.get_field(kind).related_model
        if isinstance(model, type) and isinstance(grantee, model) and grantee.pk is not None:
            return kind
    raise GrantError("no_grantee", f"{grantee!r} is not a saved user, group or client.")


def grantee_of(row: Held) -> models.Model:
    """Return the grantee of a grant or a request. Raises GrantError `no_grantee`."""
    if row.grantee is None:
        raise GrantError("no_grantee", f"The row {row.pk} has no grantee.")
    return row.grantee


def held(grantee: models.Model) -> QuerySet[ScopeGrant]:
    """Return the grants of a user, a group or a client that are not revoked, also expired ones.

    Raises GrantError `no_grantee`.
    """
    return stored().filter(live=1, **{kind_of(grantee): grantee})


def live_of(scope: str, grantee: models.Model) -> ScopeGrant | None:
    """Return the live grant of exactly this scope. A database may ignore upper and lower case."""
    rows = held(grantee).filter(scope=scope)
    return next((row for row in rows if row.scope == scope and row.is_live()), None)


def unrevoked_like(row: ScopeGrant) -> QuerySet[ScopeGrant]:
    """Return the unrevoked grants of exactly the same scope and grantee."""
    key = f"{row.grantee_kind}_id"
    same = stored().filter(live=1, scope=row.scope, **{key: getattr(row, key)})
    found = same.values_list("pk", "scope")
    return stored().filter(pk__in=[pk for pk, scope in found if scope == row.scope])
