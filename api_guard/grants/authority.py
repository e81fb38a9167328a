"""Which users may grant and revoke which scopes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NoReturn

from django.contrib.auth.models import Group
from django.db import models
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from api_guard import conf
from api_guard.core.scopes import EVERY_SCOPE, ScopeTerms
from api_guard.grants.bundles import parts
from api_guard.grants.errors import GrantError
from api_guard.grants.reading import database
from api_guard.grants.terms import is_everyone
from api_guard.grants.who import By, Claimed, System
from api_guard.models import GrantAuthority, is_past
from api_guard.models.memberships import groups_in

logger = logging.getLogger("api_guard.grants")

ANY_SCOPE = "api_guard.grant_any_scope"
# The longest grant that a user may give to itself, for an incident that cannot wait.
BREAK_GLASS = timedelta(hours=1)


def may_give_any(user: models.Model) -> bool:
    """Whether a user may grant every scope, also to everyone, and decide who manages which."""
    has_perm: Any = getattr(user, "has_perm", None)
    return getattr(user, "is_active", False) is True and bool(has_perm and has_perm(ANY_SCOPE))


@dataclass(frozen=True)
class Authority:
    """What somebody may grant and revoke, read once. `groups` are groups of scopes, or `*`."""

    by: By
    gives_any: bool
    groups: frozenset[str]
    terms: Mapping[str, ScopeTerms] = field(compare=False, repr=False)

    @classmethod
    def of(cls, by: By) -> Authority:
        """Read it. Code and the command line may do everything.

        A person who runs them has full access anyway.
        """
        gives_any = isinstance(by, (System, Claimed)) or may_give_any(by)
        groups: frozenset[str] = frozenset()
        if not gives_any and not isinstance(by, (System, Claimed)):
            groups = _managed(by) - {""}
        return cls(by, gives_any, groups, conf.scope_terms())

    def is_over(self, scope: str) -> bool:
        """Whether it covers a scope, or each scope of a bundle. `*` means every scope.

        An undeclared scope has no group.
        """
        if self.gives_any or EVERY_SCOPE in self.groups:
            return True
        groups = {self.terms.get(part, ScopeTerms("")).group for part in parts(scope)}
        return bool(groups) and groups <= self.groups

    def scopes(self) -> tuple[str, ...]:
        """Return the declared scopes and the bundles that it covers."""
        return tuple(name for name in conf.grantable() if self.is_over(name))

    def refuse_without(self, scope: str, *, to_everyone: bool = False) -> None:
        """Raise GrantError `no_authority` if it does not cover a scope, or a grant to everyone."""
        if not self.is_over(scope):
            refuse(self.by, _("You may not grant or revoke %(scope)r."), names={"scope": scope})
        if to_everyone and not self.gives_any:
            said = _("You may not grant %(scope)r to everyone.")
            refuse(self.by, said, names={"scope": scope})


def may_manage(user: models.Model, scope: str) -> bool:
    """Whether a user may grant and revoke `scope`. `*` means every scope.

    For a bundle, whether the user may grant each of its scopes.
    """
    return Authority.of(user).is_over(scope)


def manages(user: models.Model) -> bool:
    """Whether an active user may give any scope at all to others."""
    return may_give_any(user) or bool(_managed(user))


def managed_scopes(user: models.Model) -> tuple[str, ...]:
    """Return the declared scopes, and the bundles, that a user may grant and revoke."""
    return Authority.of(user).scopes()


def refuse_without_authority(by: By, scope: str, grantee: models.Model | None = None) -> None:
    """Raise GrantError `no_authority` if a user may not grant and revoke `scope`.

    `grantee` gets the scope or loses it.
    """
    Authority.of(by).refuse_without(scope, to_everyone=is_everyone(grantee))


def refuse_without_any(by: By, text: str, names: Mapping[str, object] | None = None) -> None:
    """Raise GrantError `no_authority`, with this text, if a user may not grant every scope."""
    if not isinstance(by, (System, Claimed)) and not may_give_any(by):
        refuse(by, text, names=names)


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
                _(
                    "To grant a scope to yourself, write a reason and an expiry within one hour. "
                    "Or ask another user to grant it."
                ),
                "self_grant",
            )
        return True
    if is_of(by, grantee) and not may_give_any(by):
        refuse(
            by,
            _("%(name)s is your own group or client. Ask another user to grant the scope."),
            "self_grant",
            {"name": grantee},
        )
    return False


def refuse_own(by: By, grantee: models.Model) -> None:
    """Raise GrantError `own_grant` if users decide whether to keep a grant of their own.

    Who may grant every scope decides about the groups and clients that it belongs to.
    """
    if isinstance(by, (System, Claimed)):
        return
    if grantee == by or (is_of(by, grantee) and not may_give_any(by)):
        said = _("%(name)s is you, or your own group or client.")
        refuse(by, said, "own_grant", {"name": grantee})


def authorities() -> QuerySet[GrantAuthority]:
    """Return all authorities, from the database that they are written to."""
    return GrantAuthority.objects.using(database())


def _managed(user: models.Model) -> frozenset[str]:
    groups: Any = groups_in(user)
    if getattr(user, "is_active", False) is not True or groups is None:
        return frozenset()
    mine = groups.using(database()).order_by().values("pk")
    found = authorities().filter(group__in=mine).order_by()
    return frozenset(found.values_list("scope_group", flat=True))


def is_of(user: models.Model, grantee: models.Model) -> bool:
    """Whether a grantee is a group that a user is in, or a client that a user owns."""
    if isinstance(grantee, Group):
        groups: Any = groups_in(user)
        if groups is None:
            return False
        return bool(groups.using(database()).filter(pk=grantee.pk).exists())
    return bool(getattr(grantee, "user_id", None) == user.pk)


def refuse(
    by: By, text: str, code: str = "no_authority", names: Mapping[str, object] | None = None
) -> NoReturn:
    """Raise GrantError, and log it. `names` fill the placeholders of the text."""
    error = GrantError(code, text, names)
    # Only to the log: the transaction would roll a record back, and records could flood the ledger.
    logger.warning("Refused to user %s: %s", getattr(by, "pk", by), error)
    raise error
