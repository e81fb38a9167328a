"""Grants, revokes and extends, each in one transaction."""

from __future__ import annotations

import logging
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import QuerySet
from django.utils import timezone

from api_guard.grants.reading import database
from api_guard.models import HOLDERS, ScopeGrant, is_past

logger = logging.getLogger("api_guard.grants")


class GrantError(ValueError):
    """A grant that cannot be made, changed or revoked; `code` says why, and nothing was done."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


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
    `past`, `already_granted`, `no_holder`.
    """
    kind = _kind_of(to)
    row = ScopeGrant(scope=scope, reason=reason, expires_at=expires_at)
    for name, value in ((kind, to), ("granted_by", by)):
        setattr(row, name, value)
    try:
        with transaction.atomic(using=database()):
            _close_expired(scope, to, by)
            row.save(using=database())
    except ValidationError as error:
        raise _grant_error(error) from None
    except IntegrityError:
        # Another process granted the same between the check and the insert.
        raise GrantError("already_granted", f"{to} holds {scope!r} already.") from None
    return row


def ensure(
    scope: str, to: models.Model, *, by: models.Model | None = None, reason: str = ""
) -> ScopeGrant:
    """Return the live grant of `scope` to `to`, made now if there is none. For seeds and fixtures.

    Raises GrantError as `grant` does.
    """
    row = held(to).filter(scope=scope).first()
    if row is not None and row.is_live():
        return row
    return grant(scope, to, by=by, reason=reason)


def revoke(row: ScopeGrant, *, by: models.Model | None = None, reason: str = "") -> ScopeGrant:
    """Revoke a grant, for good; the next request of its holder is refused.

    Raises GrantError `already_revoked`.
    """
    changed = ScopeGrant.objects.filter(pk=row.pk, revoked_at__isnull=True).update(
        revoked_at=timezone.now(), revoked_by=by, revoked_reason=reason
    )
    row.refresh_from_db()
    if not changed:
        raise GrantError("already_revoked", f"{row} was revoked already, at {row.revoked_at}.")
    return row


def revoke_all(holder: models.Model, *, by: models.Model | None = None, reason: str = "") -> int:
    """Revoke every grant of a user, a group or a client, and return how many there were.

    Raises GrantError `no_holder`.
    """
    return held(holder).update(revoked_at=timezone.now(), revoked_by=by, revoked_reason=reason)


def held(holder: models.Model) -> QuerySet[ScopeGrant]:
    """Return the grants of a user, a group or a client that were not revoked; expired ones too.

    Raises GrantError `no_holder`.
    """
    return ScopeGrant.objects.filter(revoked_at__isnull=True, **{_kind_of(holder): holder})


def extend(
    row: ScopeGrant, expires_at: datetime | None, *, by: models.Model | None = None
) -> ScopeGrant:
    """Move the expiry of a live grant; None takes it away. `by` is who is to answer for it.

    Raises GrantError: `already_revoked`, `expired` (grant anew instead), `past`.
    """
    now = timezone.now()
    if expires_at is not None and is_past(expires_at, now):
        raise GrantError("past", f"{expires_at} is past already.")
    with transaction.atomic(using=database()):
        stored = ScopeGrant.objects.select_for_update().get(pk=row.pk)
        if stored.revoked_at is not None:
            raise GrantError("already_revoked", f"{stored} was revoked at {stored.revoked_at}.")
        if not stored.is_live(now):
            raise GrantError("expired", f"{stored} expired at {stored.expires_at}: grant it anew.")
        ScopeGrant.objects.filter(pk=row.pk).update(expires_at=expires_at)
    logger.info("%s extended to %s by %s", stored, expires_at, by)
    row.refresh_from_db()
    return row


def _kind_of(holder: object) -> str:
    for kind in HOLDERS:
        model = ScopeGrant._meta.get_field(kind).related_model
        if isinstance(model, type) and isinstance(holder, model) and holder.pk is not None:
            return kind
    raise GrantError("no_holder", f"{holder!r} is no saved user, group or client.")


def _close_expired(scope: str, holder: models.Model, by: models.Model | None) -> None:
    for row in held(holder).filter(scope=scope).select_for_update():
        if not row.is_live():
            revoke(row, by=by, reason="expired")


def _grant_error(error: ValidationError) -> GrantError:
    flaws = [flaw for flaws in error.error_dict.values() for flaw in flaws]
    code = next((flaw.code for flaw in flaws if flaw.code), "invalid")
    return GrantError(str(code), " ".join(message for flaw in flaws for message in flaw.messages))
