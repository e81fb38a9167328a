"""Keeps or revokes many grants in the open transaction, all of them or none: for reviews."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.utils import timezone

from api_guard.core.ledger import Event
from api_guard.grants.errors import refuse_reason
from api_guard.grants.finding import grantee_of, unrevoked_like_any, with_grantees
from api_guard.grants.judging import Judge
from api_guard.grants.reading import stored
from api_guard.grants.who import By, note_many, who_of
from api_guard.grants.writing import close
from api_guard.models import ScopeGrant, recorded


def locked_live(keys: Collection[int | None]) -> Mapping[int | None, ScopeGrant]:
    """Lock grants, and return those that are live, by their primary keys.

    On SQLite, the caller has written something in this transaction: that locks the database.
    """
    rows = stored().filter(pk__in=[key for key in keys if key is not None])
    rows = rows.order_by("pk").select_for_update()
    now = timezone.now()
    return {row.pk: row for row in with_grantees(list(rows)) if row.is_live(now)}


def keep_locked(rows: Sequence[ScopeGrant], until: datetime, *, by: By, reason: str) -> None:
    """Acknowledge locked live grants until a date, as `keep` does each of them.

    Raises GrantError for the first one for which `keep` would: `no_authority`, `own_grant`,
    `nobody`, or the code of an invalid reason.
    """
    refuse_reason(reason)
    who, judge = who_of(by), Judge(by)
    for row in rows:
        judge.refuse_without_authority(row)
        judge.refuse_own(row)
    with recorded():
        stored().filter(pk__in=[row.pk for row in rows]).update(kept_until=until)
    noted = (
        (
            grantee_of(row),
            row.scope,
            {"grant": row.pk, "was": row.kept_until, "kept_until": until},
        )
        for row in rows
    )
    note_many(Event.KEEP, who, noted, reason)


def revoke_locked(rows: Sequence[ScopeGrant], *, by: By, reason: str) -> None:
    """Revoke locked live grants that are not the person's own, as `revoke` does each of them.

    Raises GrantError for the first one for which `refuse_own` or `revoke` would: `own_grant`,
    `no_authority`, `nobody`, or the code of an invalid reason.
    """
    refuse_reason(reason)
    judge = Judge(by)
    for row in rows:
        judge.refuse_own(row)
        judge.refuse_without_authority(row)
    close(stored().filter(pk__in=[row.pk for row in rows]), by, reason)
    close(stored().filter(pk__in=unrevoked_like_any(rows)), by, reason)
