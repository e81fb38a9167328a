"""Finds the grants of one grantee, including expired ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import QuerySet
from django.utils.translation import gettext_noop as _

from api_guard.grants.errors import GrantError
from api_guard.grants.reading import database, stored
from api_guard.models import GRANTEES, Held, ScopeGrant

P = ParamSpec("P")
T = TypeVar("T")


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


def with_grantees(rows: Sequence[ScopeGrant]) -> Sequence[ScopeGrant]:
    """Read the grantees of these grants, with one query for each kind, and return the grants."""
    for kind in GRANTEES:
        key: Any = ScopeGrant._meta.get_field(kind)
        named = {getattr(row, key.attname) for row in rows} - {None}
        found = key.related_model._base_manager.using(database()).in_bulk(named) if named else {}
        for row in rows:
            if getattr(row, key.attname) in found:
                key.set_cached_value(row, found[getattr(row, key.attname)])
    return rows


def while_it_exists(
    change: Callable[Concatenate[ScopeGrant, P], T],
) -> Callable[Concatenate[ScopeGrant, P], T]:
    """Let a change of a grant raise GrantError `already_revoked` if it is gone with its grantee."""

    @wraps(change)
    def changed(row: ScopeGrant, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return change(row, *args, **kwargs)
        except ScopeGrant.DoesNotExist:
            said = _("The grant %(number)s was deleted with its grantee.")
            raise GrantError("already_revoked", said, {"number": row.pk}) from None

    return changed


def held(grantee: models.Model) -> QuerySet[ScopeGrant]:
    """Return the grants of a user, a group or a client that are not revoked, also expired ones.

    Raises GrantError `no_grantee`.
    """
    return stored().filter(live=1, **{kind_of(grantee): grantee})


def active(users: QuerySet[Any], *, is_active: bool = True) -> QuerySet[Any]:
    """Keep the users that are active, or those that are not.

    A user model may have no column for it. Then Django takes all of its users to be active.
    """
    try:
        users.model._meta.get_field("is_active")
    except FieldDoesNotExist:
        return users if is_active else users.none()
    return users.filter(is_active=is_active)


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


def unrevoked_like_any(rows: Sequence[ScopeGrant]) -> list[int]:
    """Return the unrevoked grants of exactly the scope and grantee of one of these grants."""
    found: list[int] = []
    for kind in GRANTEES:
        key = f"{kind}_id"
        wanted = {(row.scope, getattr(row, key)) for row in rows if row.grantee_kind == kind}
        if wanted:
            scopes, keys = ({pair[place] for pair in wanted} for place in (0, 1))
            same = stored().filter(live=1, scope__in=scopes, **{f"{key}__in": keys})
            pairs = same.values_list("pk", "scope", key)
            found += [pk for pk, scope, grantee in pairs if (scope, grantee) in wanted]
    return found
