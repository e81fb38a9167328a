"""Grants, revokes and extends, each in one transaction with its record."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connections, models, transaction
from django.db.models import F, QuerySet
from django.dispatch import Signal
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from api_guard.core.ledger import Event
from api_guard.grants.deadlocks import in_transaction
from api_guard.grants.errors import GrantError, from_validation, meanwhile
from api_guard.grants.finding import (
    grantee_of,
    held,
    kind_of,
    unrevoked_like,
    with_grantees,
)
from api_guard.grants.reading import database, stored
from api_guard.grants.who import By, note, note_many, user_of, who_of
from api_guard.models import ScopeGrant, is_past, recorded

logger = logging.getLogger("api_guard.grants")

# Sent after a user has granted a scope to itself. Arguments: `grant` (the row), `by` (the user).
break_glass = Signal()


def give(
    scope: str,
    to: models.Model,
    *,
    by: By,
    reason: str,
    expires_at: datetime | None,
    is_break_glass: bool = False,
) -> ScopeGrant:
    """Grant `scope` from now until `expires_at`, and close an expired grant of the same scope.

    The caller has checked the authority. Raises GrantError: `unknown_scope`, `past`,
    `already_granted`, `no_grantee`, `meanwhile`.
    """
    kind, who = kind_of(to), who_of(by)
    expired = held(to).filter(scope=scope, expires_at__lte=timezone.now())
    # Read first: on MySQL and MariaDB, an UPDATE without a match locks the gap in the index.
    has_expired = expired.exists()

    def make() -> ScopeGrant:
        row = ScopeGrant(
            scope=scope, reason=reason, expires_at=expires_at, is_break_glass=is_break_glass
        )
        for name, value in ((kind, to), ("granted_by", user_of(by))):
            setattr(row, name, value)
        if has_expired:
            close(expired, by, "expired", Event.EXPIRE)
        with recorded():
            row.save(using=database())
        facts: dict[str, object] = {"grant": row.pk, "expires_at": expires_at}
        if is_break_glass:
            facts["break_glass"] = "yes"
        note(Event.GRANT, who, to, scope, reason, facts)
        return row

    try:
        row = in_transaction(make)
    except ValidationError as error:
        raise from_validation(error) from None
    except IntegrityError as error:
        if not held(to).filter(scope=scope).exists():
            raise meanwhile() from error  # the grantee was deleted
        # Another process granted the same between the check and the insert.
        said = _("%(name)s already holds %(scope)r.")
        raise GrantError("already_granted", said, {"name": to, "scope": scope}) from None
    if is_break_glass:
        report_break_glass(row, by)
    return row


def report_break_glass(row: ScopeGrant, by: By) -> None:
    """Log that a user has granted a scope to itself, and send the signal after the commit."""
    logger.warning("Break-glass: %s, until %s, by itself. %s", row, row.expires_at, row.reason)
    transaction.on_commit(lambda: _tell(row, by), using=database())


def _tell(row: ScopeGrant, by: By) -> None:
    break_glass.send_robust(sender=ScopeGrant, grant=row, by=user_of(by))


def end(row: ScopeGrant, by: By, reason: str) -> ScopeGrant:
    """Revoke a grant, and all other live grants of the same scope and grantee.

    Raises GrantError `already_revoked`.
    """

    def revoke() -> int:
        found = close(stored().filter(pk=row.pk, live=1), by, reason)
        row.refresh_from_db()
        if found:
            close(unrevoked_like(row), by, reason)
        return found

    if not in_transaction(revoke):
        said = _("%(grant)s was already revoked at %(moment)s.")
        raise GrantError("already_revoked", said, {"grant": row, "moment": row.revoked_at})
    return row


def end_all(rows: QuerySet[ScopeGrant], by: By, reason: str) -> int:
    """Revoke these grants, and return how many there were."""
    return in_transaction(lambda: close(rows, by, reason))


def move(
    row: ScopeGrant,
    expires_at: datetime | None,
    by: By,
    reason: str,
    judge: Callable[[ScopeGrant], None] | None = None,
) -> ScopeGrant:
    """Change the expiry of a live grant; None removes it.

    `judge` gets the locked grant, and raises if its expiry must not change.
    Raises GrantError: `already_revoked`, `expired`, `past`.
    """
    now = timezone.now()
    if expires_at is not None and is_past(expires_at, now):
        raise GrantError("past", _("The expiry %(moment)s is in the past."), {"moment": expires_at})
    who = who_of(by)

    def write() -> None:
        kept = stored().select_for_update().get(pk=row.pk)
        if kept.revoked_at is not None:
            said = _("%(grant)s was revoked at %(moment)s.")
            raise GrantError("already_revoked", said, {"grant": kept, "moment": kept.revoked_at})
        if not kept.is_live(now):
            said = _("%(grant)s expired at %(moment)s. Grant it again.")
            raise GrantError("expired", said, {"grant": kept, "moment": kept.expires_at})
        if judge is not None:
            judge(kept)
        with recorded():
            stored().filter(pk=row.pk).update(expires_at=expires_at)
        facts = {"grant": row.pk, "was": kept.expires_at, "expires_at": expires_at}
        note(Event.EXTEND, who, kept.grantee, kept.scope, reason, facts)

    in_transaction(write)
    row.refresh_from_db()
    logger.info("%s extended to %s by %s. %s", row, expires_at, who.party.name, reason)
    return row


def lock_on_sqlite(rows: QuerySet[ScopeGrant]) -> bool:
    """Write these rows unchanged on SQLite, which would refuse a write that follows a read."""
    is_sqlite = connections[rows.db].vendor == "sqlite"
    return is_sqlite and bool(rows.order_by().update(revoked_reason=F("revoked_reason")))


def close(rows: QuerySet[ScopeGrant], by: By, reason: str, event: Event = Event.REVOKE) -> int:
    """Revoke these grants in the open transaction, and return their number."""
    return len(closed(rows, by, reason, event))


def closed(
    rows: QuerySet[ScopeGrant], by: By, reason: str, event: Event = Event.REVOKE
) -> Sequence[ScopeGrant]:
    """Revoke these grants in the open transaction, and return them as they were before."""
    who = who_of(by)
    with recorded():
        lock_on_sqlite(rows)
        # As it stands now: MySQL shows a long transaction what was there when it began.
        found = with_grantees(list(rows.select_for_update()))
        stored().filter(pk__in=[row.pk for row in found]).update(
            revoked_at=timezone.now(), revoked_by=user_of(by), revoked_reason=reason
        )
    noted = ((grantee_of(row), row.scope, {"grant": row.pk}) for row in found)
    if found:
        note_many(event, who, noted, reason)
    return found
