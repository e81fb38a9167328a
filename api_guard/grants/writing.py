"""Grants, revokes and extends, each in one transaction."""

from __future__ import annotations

import logging
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models
from django.db.models import QuerySet
from django.utils import timezone

from api_guard.grants.deadlocks import in_transaction
from api_guard.grants.errors import GrantError, from_validation, refuse_reason
from api_guard.grants.reading import database, stored
from api_guard.models import HOLDERS, ScopeGrant, is_past

logger = logging.getLogger("api_guard.grants")


def grant(
    scope: str,
    to: models.Model,
    *,
    by: models.Model | None = None,
    reason: str = "",
    expires_at: datetime | None = None,
) -> ScopeGrant:
    """Grant `scope` to a user, a group or a client, from now until `expires_at`.

    A grant of the same that has expired is closed on the way. Raises GrantError: `unknown_scope`,
    `past`, `already_granted`, `no_holder`, or why the reason cannot be kept.
    """
    kind = _kind_of(to)
    refuse_reason(reason)

    def make() -> ScopeGrant:
        row = ScopeGrant(scope=scope, reason=reason, expires_at=expires_at)
        for name, value in ((kind, to), ("granted_by", by)):
            setattr(row, name, value)
        _close_expired(scope, to, by)
        row.save(using=database())
        return row

    try:
        return in_transaction(make)
    except ValidationError as error:
        raise from_validation(error) from None
    except IntegrityError:
        if not held(to).filter(scope=scope).exists():
            raise  # the holder was deleted meanwhile
        # Another process granted the same between the check and the insert.
        raise GrantError("already_granted", f"{to} holds {scope!r} already.") from None


def ensure(
    scope: str, to: models.Model, *, by: models.Model | None = None, reason: str = ""
) -> ScopeGrant:
    """Return the live grant of `scope` to `to`, made now if there is none. For seeds and fixtures.

    Raises GrantError as `grant` does.
    """
    found = _live(scope, to)
    if found is not None:
        return found
    try:
        return grant(scope, to, by=by, reason=reason)
    except GrantError as error:
        # Another process granted it meanwhile. Where there is none, another spelling is in the way.
        found = _live(scope, to) if error.code == "already_granted" else None
        if found is None:
            raise
        return found


def revoke(row: ScopeGrant, *, by: models.Model | None = None, reason: str = "") -> ScopeGrant:
    """Revoke a grant, for good; the next request of its holder is refused.

    Whatever else is live of that scope and holder ends with it. Raises GrantError:
    `already_revoked`, or why the reason cannot be kept.
    """
    refuse_reason(reason)

    def close() -> int:
        # A write comes first: SQLite would refuse one that follows a read.
        found = _close(stored().filter(pk=row.pk, live=1), by, reason)
        row.refresh_from_db()
        if found:
            _close(_unrevoked_like(row), by, reason)
        return found

    if not in_transaction(close):
        raise GrantError("already_revoked", f"{row} was revoked already, at {row.revoked_at}.")
    return row


def revoke_all(holder: models.Model, *, by: models.Model | None = None, reason: str = "") -> int:
    """Revoke every grant of a user, a group or a client, and return how many there were.

    Raises GrantError: `no_holder`, or why the reason cannot be kept.
    """
    refuse_reason(reason)
    return in_transaction(lambda: _close(held(holder), by, reason))


def held(holder: models.Model) -> QuerySet[ScopeGrant]:
    """Return the grants of a user, a group or a client that were not revoked; expired ones too.

    Raises GrantError `no_holder`.
    """
    return stored().filter(live=1, **{_kind_of(holder): holder})


def extend(
    row: ScopeGrant,
    expires_at: datetime | None,
    *,
    by: models.Model | None = None,
    reason: str = "",
) -> ScopeGrant:
    """Move the expiry of a live grant; None takes it away. `by` is who is to answer for it.

    `by` and `reason` are written to the log. Raises GrantError: `already_revoked`, `expired`
    (grant anew instead), `past`, or why the reason cannot be kept.
    """
    refuse_reason(reason)
    now = timezone.now()
    if expires_at is not None and is_past(expires_at, now):
        raise GrantError("past", f"{expires_at} is past already.")

    def move() -> None:
        kept = stored().select_for_update().get(pk=row.pk)
        if kept.revoked_at is not None:
            raise GrantError("already_revoked", f"{kept} was revoked at {kept.revoked_at}.")
        if not kept.is_live(now):
            raise GrantError("expired", f"{kept} expired at {kept.expires_at}: grant it anew.")
        stored().filter(pk=row.pk).update(expires_at=expires_at)

    in_transaction(move)
    row.refresh_from_db()
    logger.info("%s extended to %s by %s. %s", row, expires_at, by, reason)
    return row


def _kind_of(holder: object) -> str:
    for kind in HOLDERS:
        model = ScopeGrant._meta.get_field(kind).related_model
        if isinstance(model, type) and isinstance(holder, model) and holder.pk is not None:
            return kind
    raise GrantError("no_holder", f"{holder!r} is no saved user, group or client.")


def _live(scope: str, holder: models.Model) -> ScopeGrant | None:
    """Return the live grant of exactly this scope: a database may take others for the same."""
    rows = held(holder).filter(scope=scope)
    return next((row for row in rows if row.scope == scope and row.is_live()), None)


def _unrevoked_like(row: ScopeGrant) -> QuerySet[ScopeGrant]:
    """Return what else is unrevoked of exactly its scope and its holder."""
    key = f"{row.holder_kind}_id"
    same = stored().filter(live=1, scope=row.scope, **{key: getattr(row, key)})
    found = same.select_for_update().values_list("pk", "scope")
    return stored().filter(pk__in=[pk for pk, scope in found if scope == row.scope])


def _close_expired(scope: str, holder: models.Model, by: models.Model | None) -> None:
    expired = held(holder).filter(scope=scope, expires_at__lte=timezone.now())
    _close(expired, by, "expired")


def _close(rows: QuerySet[ScopeGrant], by: models.Model | None, reason: str) -> int:
    return rows.update(revoked_at=timezone.now(), revoked_by=by, revoked_reason=reason)
