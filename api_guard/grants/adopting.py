"""Records rows that the ledger does not know: older rows, and rows whose record will be pruned."""

from __future__ import annotations

from typing import Any

from api_guard import ledger
from api_guard.core.ledger import Event, Who
from api_guard.grants.deadlocks import in_transaction
from api_guard.grants.from_records import read_ledger
from api_guard.grants.kept import kept
from api_guard.grants.reconciling import all_rows, flaw_of
from api_guard.grants.reviewed import digest_of
from api_guard.grants.states import Kind
from api_guard.grants.who import By, note, who_of
from api_guard.models import (
    AccessReview,
    BundlePin,
    GrantApproval,
    GrantAuthority,
    RateOverride,
    RemoteSubject,
    ReviewedGrant,
    ScopeGrant,
)


def adopt(*, by: By, reason: str = "", since: int = 0) -> int:
    """Record the rows that have no record, as they stand, and return how many there were.

    For rows that are older than the ledger, or that only the records up to number `since` know.
    Raises GrantError `nobody`.
    """
    who, count = who_of(by), 0
    with kept() as should_be:
        read_ledger(should_be, since)
        is_pruned = since > 0 or ledger.start() is not None
        for kind, pk, row in all_rows():
            said = should_be.pop(kind.named(pk))
            if row is None or flaw_of(kind, row, said, is_pruned) is None:
                continue

            def write(kind: Kind = kind, pk: int = pk) -> bool:
                # Locked and read again: it may have changed or ended since.
                now = kind.rows().select_for_update().filter(pk=pk).first()
                if now is not None:
                    _note(kind, now, who, reason)
                return now is not None

            count += in_transaction(write)
    return count


def _note(kind: Kind, row: Any, who: Who, reason: str) -> None:
    facts: dict[str, object] = {kind.name: row.pk}
    whom, scope = getattr(row, "grantee", None), getattr(row, "scope", "")
    if hasattr(row, "expires_at"):
        facts["expires_at"] = row.expires_at
    if isinstance(row, ScopeGrant):
        facts |= {"break_glass": "yes"} if row.is_break_glass else {}
        facts |= {"kept_until": row.kept_until} if row.kept_until else {}
    elif isinstance(row, GrantAuthority):
        whom, scope = row.group, row.scope_group
    elif isinstance(row, RateOverride):
        scope, facts["limit"] = row.name, row.limit
    elif isinstance(row, RemoteSubject):
        # A reason can be erased, and the subject of another server is personal data.
        whom, reason = row.user, str(row)
    elif isinstance(row, BundlePin):
        scope, facts["scopes"] = row.bundle, row.scopes
    elif isinstance(row, GrantApproval):
        whom, facts["approves"] = row.by, row.request_id
    elif isinstance(row, AccessReview):
        whom, reason = row.reviewer, row.title
        facts |= {"covers": row.covers, "due_at": row.due_at, "grants": digest_of(row.pk)}
        facts |= {"closed": "yes"} if row.closed_at else {}
    elif isinstance(row, ReviewedGrant):
        whom, facts["of_review"], facts["reviewed"] = row.decided_by, row.review_id, row.grant_id
        facts |= {"said": row.decision, "until": row.keep_until}
    elif row.outcome:
        facts["outcome"] = row.outcome
    note(Event.ADOPT, who, whom, scope, reason, facts)
