"""Who may give and take which scopes."""

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
# What somebody may give to themselves, so that an incident is not waited out.
BREAK_GLASS = timedelta(hours=1)


def may_give_any(user: models.Model) -> bool:
    """Whether a user may give every scope to everybody, and say who manages which."""
    has_perm: Any = getattr(user, "has_perm", None)
    return getattr(user, "is_active", False) is True and bool(has_perm and has_perm(ANY_SCOPE))


def may_manage(user: models.Model, scope: str) -> bool:
    """Whether a user may give and take `scope`; `*` is every scope."""
    if may_give_any(user):
        return True
    return bool({terms_of(scope).group, EVERY_SCOPE} & (_managed(user) - {""}))


def managed_scopes(user: models.Model) -> tuple[str, ...]:
    """Return the declared scopes that a user may give and take."""
    declared = conf.scope_terms()
    managed = {EVERY_SCOPE} if may_give_any(user) else _managed(user)
    if EVERY_SCOPE in managed:
        return tuple(declared)
    return tuple(name for name, terms in declared.items() if terms.group in managed - {""})


def refuse_without_authority(by: By, scope: str, grantee: models.Model | None = None) -> None:
    """Raise GrantError `no_authority` where a user may not give or take `scope`.

    Code and the command line may: who runs them can do as much without us. `grantee` is whom it is
    given to, where it is given.
    """
    if isinstance(by, (System, Claimed)):
        return
    if not may_manage(by, scope):
        refuse(by, f"You may not give or take {scope!r}.")
    if isinstance(grantee, Group) and conf.is_everyone_group(grantee.name) and not may_give_any(by):
        refuse(by, f"You may not give {scope!r} to everyone.")


def refuse_without_any(by: By, what: str) -> None:
    """Raise GrantError `no_authority` where a user may not give every scope."""
    if not isinstance(by, (System, Claimed)) and not may_give_any(by):
        refuse(by, f"You may not {what}.")


def is_break_glass(by: By, grantee: models.Model, reason: str, expires_at: datetime | None) -> bool:
    """Whether somebody gives a scope to themselves; raises GrantError where not allowed.

    For an hour at most, and with a reason. What goes to a group that one is in, or to a client that
    one owns, goes to oneself as well, and takes the permission to give any scope.
    """
    if isinstance(by, (System, Claimed)):
        return False
    if grantee == by:
        latest = timezone.now() + BREAK_GLASS
        if not reason.strip() or expires_at is None or not is_past(expires_at, latest):
            refuse(
                by,
                "You give this to yourself: that takes a reason, and an expiry within an hour. "
                "Or have somebody else give it.",
                "self_grant",
            )
        return True
    if is_of(by, grantee) and not may_give_any(by):
        refuse(by, f"{grantee} is yours: have somebody else give it.", "self_grant")
    return False


def terms_of(scope: str) -> ScopeTerms:
    """Return what giving a scope takes; one that is not declared is of no group."""
    return conf.scope_terms().get(scope, ScopeTerms(""))


def refuse_terms(scope: str, to: models.Model, expires_at: datetime | None) -> None:
    """Raise GrantError where a scope is not given to this grantee, or not for so long."""
    terms = terms_of(scope)
    if terms.is_sensitive and isinstance(to, Group) and conf.is_everyone_group(to.name):
        raise GrantError("sensitive_to_everyone", f"{scope!r} is sensitive: not for everyone.")
    if terms.max_days is None:
        return
    latest = timezone.now() + timedelta(days=terms.max_days, minutes=1)
    if expires_at is None or not is_past(expires_at, latest):
        raise GrantError(
            "too_long", f"{scope!r} is given for {terms.max_days} days at most: say until when."
        )


def authorities() -> QuerySet[GrantAuthority]:
    """Return who may give and take which groups of scopes, from where it is written."""
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
    # To the log alone: a record would be undone with the transaction, and floods the ledger.
    logger.warning("Refused to user %s: %s", by.pk, message)
    raise GrantError(code, message)
