"""Finds the grants of one holder, those that have expired too."""

from __future__ import annotations

from django.db import models
from django.db.models import QuerySet

from api_guard.grants.errors import GrantError
from api_guard.grants.reading import stored
from api_guard.models import HOLDERS, Held, ScopeGrant


def kind_of(holder: object) -> str:
    """Return `user`, `group` or `client`. Raises GrantError `no_holder`."""
    for kind in HOLDERS:
        model = ScopeGrant._meta.get_field(kind).related_model
        if isinstance(model, type) and isinstance(holder, model) and holder.pk is not None:
            return kind
    raise GrantError("no_holder", f"{holder!r} is no saved user, group or client.")


def holder_of(row: Held) -> models.Model:
    """Return who holds a grant, or asked for one. Raises GrantError `no_holder`."""
    if row.holder is None:
        raise GrantError("no_holder", f"Nobody holds the row {row.pk}.")
    return row.holder


def held(holder: models.Model) -> QuerySet[ScopeGrant]:
    """Return the grants of a user, a group or a client that were not revoked; expired ones too.

    Raises GrantError `no_holder`.
    """
    return stored().filter(live=1, **{kind_of(holder): holder})


def live_of(scope: str, holder: models.Model) -> ScopeGrant | None:
    """Return the live grant of exactly this scope: a database may take others for the same."""
    rows = held(holder).filter(scope=scope)
    return next((row for row in rows if row.scope == scope and row.is_live()), None)


def unrevoked_like(row: ScopeGrant) -> QuerySet[ScopeGrant]:
    """Return what else is unrevoked of exactly its scope and its holder."""
    key = f"{row.holder_kind}_id"
    same = stored().filter(live=1, scope=row.scope, **{key: getattr(row, key)})
    found = same.values_list("pk", "scope")
    return stored().filter(pk__in=[pk for pk, scope in found if scope == row.scope])
