"""Grants, revokes and extends, each in one transaction with its record."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import QuerySet
from django.dispatch import Signal
from django.utils import timezone

from api_guard.core.ledger import Event
from api_guard.grants.deadlocks import in_transaction
from api_guard.grants.errors import GrantError, from_validation
from api_guard.grants.finding import held, kind_of, unrevoked_like
from api_guard.grants.reading import database, stored
from api_guard.grants.who import By, note, user_of, who_of
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
    `already_granted`, `no_grantee`.
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
    except IntegrityError:
        if not held(to).filter(scope=scope).exists():
            raise  # the grantee was deleted meanwhile
        # Another process granted the same between the check and the insert.
        raise GrantError("already_granted", f"{to} already holds {scope!r}.") from None
    if is_break_glass:
        logger.warning("Break-glass: %s, until %s, by itself. %s", row, expires_at, reason)
        transaction.on_commit(lambda: _tell(row, by), using=database())
    return row


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
        raise GrantError("already_revoked", f"{row} was already revoked at {row.revoked_at}.")
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
    """Move the expiry of a live grant; None takes it away.

    `judge` is called with the grant as it stands, locked, and raises where it is not to be moved.
    Raises GrantError: `already_revoked`, `expired`, `past`.
    """
    now = timezone.now()
    if expires_at is not None and is_past(expires_at, now):
        raise GrantError("past", f"The expiry {expires_at} is in the past.")
    who = who_of(by)

    def write() -> None:
        kept = stored().select_for_update().get(pk=row.pk)
        if kept.revoked_at is not None:
            raise GrantError("already_revoked", f"{kept} was revoked at {kept.revoked_at}.")
        if not kept.is_live(now):
            raise GrantError("expired", f"{kept} expired at {kept.expires_at}. Grant it again.")
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


def close(rows: QuerySet[ScopeGrant], by: By, reason: str, event: Event = Event.REVOKE) -> int:
    """Revoke these grants in the open transaction, and return their number."""
    who = who_of(by)
    with recorded():
        # Write first: SQLite would refuse a write that follows a read.
        if not rows.order_by().update(revoked_reason=reason):
            return 0
        # As it stands now: MySQL shows a long transaction what was there when it began.
        found = list(rows.select_for_update())
        stored().filter(pk__in=[row.pk for row in found]).update(
            revoked_at=timezone.now(), revoked_by=user_of(by), revoked_reason=reason
        )
    for row in found:
        note(event, who, row.grantee, row.scope, reason, {"grant": row.pk})
    return len(found)
