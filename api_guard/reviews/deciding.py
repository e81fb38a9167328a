"""Decides about grants in a review: keep until a date, or revoke."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from api_guard import grants
from api_guard.core.ledger import Event
from api_guard.grants.reviewing import keep_locked, locked_live, revoke_locked
from api_guard.grants.who import note_many
from api_guard.models import AccessReview, ReviewedGrant, ScopeUse, is_past, recorded
from api_guard.models.transactions import in_transaction
from api_guard.reviews.opening import refuse_closed, refuse_others

# In one transaction.
MOST = 1000
_KEEP = ReviewedGrant.Decision.KEEP


@dataclass(frozen=True)
class Decided:
    """How many were decided, and which had ended meanwhile, so that nothing is left to decide."""

    count: int
    ended: tuple[int, ...]


def decide(
    review: AccessReview,
    items: Collection[int],
    decision: str,
    *,
    by: models.Model,
    until: datetime | None = None,
    reason: str = "",
) -> Decided:
    """Decide about the rows `items` (primary keys of ReviewedGrant), all of them or none.

    `keep` needs `until`, and acknowledges the grants until then. `revoke` takes effect at once. A
    decision cannot be changed. Raises GrantError: `not_reviewer`, `no_authority`, `own_grant`,
    `closed`, `already_decided`, `not_in_review`, `too_many`, `past`, `invalid`, `nobody`, or the
    code of an invalid reason.
    """
    grants.refuse_reason(reason)
    who = grants.who_of(by)
    if grants.user_of(by) is None or isinstance(by, grants.Claimed):
        raise grants.GrantError("nobody", f"{by!r} is not a user. Only a user decides: by=user.")
    _refuse_decision(decision, until)
    wanted = set(items)
    if len(wanted) > MOST:
        raise grants.GrantError("too_many", f"Decide about at most {MOST} grants at once.")
    refuse_others(review, by)
    using = grants.database()
    ended: list[int] = []

    def write() -> int:
        ended.clear()
        kept = refuse_closed(review)
        rows = _undecided(kept, wanted)
        live = locked_live([row.grant_id for row in rows])
        ended.extend(row.pk for row in rows if row.grant_id not in live)
        decided = [(row, live[row.grant_id]) for row in rows if row.grant_id in live]
        if not decided:
            return 0
        _write([row.pk for row, _grant in decided], decision, by, until, reason)
        noted = (
            (grants.grantee_of(grant), row.scope, _facts(row, kept, decision, until))
            for row, grant in decided
        )
        note_many(Event.REVIEW, who, noted, reason)
        found = [grant for _row, grant in decided]
        if until is not None:
            keep_locked(found, until, by=by, reason=reason)
        else:
            revoke_locked(found, by=by, reason=reason or f"review: {kept.title}"[:500])
        return len(decided)

    count = in_transaction(write, using)
    return Decided(count, tuple(ended))


def _refuse_decision(decision: str, until: datetime | None) -> None:
    if decision not in ReviewedGrant.Decision.values[1:]:
        raise grants.GrantError("invalid", f"{decision!r} is neither 'keep' nor 'revoke'.")
    if (decision == _KEEP) != (until is not None):
        raise grants.GrantError("invalid", "Write until= to keep a grant, and only then.")
    if until is not None and is_past(until, timezone.now()):
        raise grants.GrantError("past", f"The date {until} is in the past.")


def _facts(
    row: ReviewedGrant, review: AccessReview, decision: str, until: datetime | None
) -> dict[str, object]:
    return {
        "decision": row.pk,
        "of_review": review.pk,
        "reviewed": row.grant_id,
        "said": decision,
        "until": until,
    }


def _undecided(review: AccessReview, wanted: set[int]) -> list[ReviewedGrant]:
    """Return the rows to decide. The lock of the review keeps others from deciding them."""
    using = grants.database()
    rows: Any = ReviewedGrant.objects.using(using).filter(review=review, pk__in=wanted)
    found = list(rows.order_by("pk"))
    if len(found) != len(wanted):
        missing = min(wanted - {row.pk for row in found})
        raise grants.GrantError("not_in_review", f"The row {missing} is not in this review.")
    for row in found:
        if row.decision:
            raise grants.GrantError("already_decided", f"{row} was decided at {row.decided_at}.")
    return found


def _write(
    keys: Collection[int], decision: str, by: models.Model, until: datetime | None, reason: str
) -> None:
    rows: Any = ReviewedGrant.objects.using(grants.database()).filter(pk__in=keys)
    uses = ScopeUse.objects.filter(grant=OuterRef("grant_id")).order_by()
    with recorded():
        rows.update(
            decision=decision,
            keep_until=until,
            reason=reason,
            decided_at=timezone.now(),
            decided_by=by,
            last_used_at=Subquery(uses.values("last_used_at")[:1]),
        )
