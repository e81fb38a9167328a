"""Which users may grant and revoke which scopes."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any, NoReturn

from django.contrib.auth.models import Group
from django.db import models
from django.db.models import QuerySet
from django.utils import timezone

from api_guard import conf
from api_guard.core.scopes import EVERY_SCOPE, ScopeTerms
from api_guard.grants.errors import GrantError
from api_guard.grants.reading import database
from api_guard.grants.who import By, Claimed, System
from api_guard.models import GrantAuthority, is_past

logger = logging.getLogger("api_guard.grants")

ANY_SCOPE = "api_guard.grant_any_scope"
# The longest grant that a user may give to itself, for an incident that cannot wait.
BREAK_GLASS = timedelta(hours=1)


def may_give_any(user: models.Model) -> bool:
    """Whether a user may grant every scope, also to everyone, and decide who manages which."""
    has_perm: Any = getattr(user, "has_perm", None)
    return getattr(user, "is_active", False) is True and bool(has_perm and has_perm(ANY_SCOPE))


def may_manage(user: models.Model, scope: str) -> bool:
    """Whether a user may grant and revoke `scope`. `*` means every scope."""
    if may_give_any(user):
        return True
    return bool({terms_of(scope).group, EVERY_SCOPE} & (_managed(user) - {""}))


def manages(user: models.Model) -> bool:
    """Whether an active user may give any scope at all to others."""
    return may_give_any(user) or bool(_managed(user))


def managed_scopes(user: models.Model) -> tuple[str, ...]:
    """Return the declared scopes that a user may grant and revoke."""
    declared = conf.scope_terms()
    managed = {EVERY_SCOPE} if may_give_any(user) else _managed(user)
    if EVERY_SCOPE in managed:
        return tuple(declared)
    return tuple(name for name, terms in declared.items() if terms.group in managed - {""})


def refuse_without_authority(by: By, scope: str, grantee: models.Model | None = None) -> None:
    """Raise GrantError `no_authority` if a user may not grant and revoke `scope`.

    Code and the command line always may: a person who runs them has full access anyway. `grantee`
    gets the scope or loses it.
    """
    if isinstance(by, (System, Claimed)):
        return
    if not may_manage(by, scope):
        refuse(by, f"You may not grant or revoke {scope!r}.")
    if isinstance(grantee, Group) and conf.is_everyone_group(grantee.name) and not may_give_any(by):
        refuse(by, f"You may not grant {scope!r} to everyone.")


def refuse_without_any(by: By, what: str) -> None:
    """Raise GrantError `no_authority` if a user may not grant every scope."""
    if not isinstance(by, (System, Claimed)) and not may_give_any(by):
        refuse(by, f"You may not {what}.")


def is_break_glass(by: By, grantee: models.Model, reason: str, expires_at: datetime | None) -> bool:
    """Whether users give a scope to themselves. Raises GrantError `self_grant` if not allowed.

    It needs a reason and an expiry within one hour. A grant to a user's own group or own client
    counts as a grant to that user, and needs the permission to grant every scope.
    """
    if isinstance(by, (System, Claimed)):
        return False
    if grantee == by:
        latest = timezone.now() + BREAK_GLASS
        if not reason.strip() or expires_at is None or not is_past(expires_at, latest):
            refuse(
                by,
                "To grant a scope to yourself, write a reason and an expiry within one hour. "
                "Or ask another user to grant it.",
                "self_grant",
            )
        return True
    if is_of(by, grantee) and not may_give_any(by):
        refuse(
            by,
            f"{grantee} is your own group or client. Ask another user to grant the scope.",
            "self_grant",
        )
    return False


def terms_of(scope: str) -> ScopeTerms:
    """Return the terms of a scope. An undeclared scope has no group."""
    return conf.scope_terms().get(scope, ScopeTerms(""))


def refuse_terms(scope: str, to: models.Model, expires_at: datetime | None) -> None:
    """Raise GrantError `sensitive_to_everyone` or `too_long`, if the scope is never given so."""
    terms = terms_of(scope)
    if terms.is_sensitive and isinstance(to, Group) and conf.is_everyone_group(to.name):
        raise GrantError(
            "sensitive_to_everyone",
            f"{scope!r} is sensitive. It cannot be granted to everyone.",
        )
    if terms.max_days is None:
        return
    latest = timezone.now() + timedelta(days=terms.max_days, minutes=1)
    if expires_at is None or not is_past(expires_at, latest):
        raise GrantError(
            "too_long",
            f"{scope!r} can be granted for at most {terms.max_days} days. Set an expiry.",
        )


def authorities() -> QuerySet[GrantAuthority]:
    """Return all authorities, from the database that they are written to."""
    return GrantAuthority.objects.using(database())


def _managed(user: models.Model) -> frozenset[str]:
    groups: Any = getattr(user, "groups", None)
    if getattr(user, "is_active", False) is not True or groups is None:
        return frozenset()
    mine = groups.using(database()).order_by().values("pk")
    found = authorities().filter(group__in=mine).order_by()
    return frozenset(found.values_list("scope_group", flat=True))


def is_of(user: models.Model, grantee: models.Model) -> bool:
    """Whether a grantee is a group that a user is in, or a client that a user owns."""
    if isinstance(grantee, Group):
        groups: Any = getattr(user, "groups", None)
        if groups is None:
            return False
        return bool(groups.using(database()).filter(pk=grantee.pk).exists())
    return bool(getattr(grantee, "user_id", None) == user.pk)


def refuse(by: models.Model, message: str, code: str = "no_authority") -> NoReturn:
    """Raise GrantError, and log it."""
    # Only to the log: the transaction would roll a record back, and records could flood the ledger.
    logger.warning("Refused to user %s: %s", by.pk, message)
    raise GrantError(code, message)
