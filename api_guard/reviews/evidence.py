"""The evidence of a review: each grant with who decided what, when and why, as JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils import timezone

from api_guard import grants
from api_guard.core.cells import cell
from api_guard.models import GRANTEES, AccessReview, ReviewedGrant, ScopeGrant
from api_guard.reviews.progress import progress

_PAGE = 500
COLUMNS = (
    "row",
    "grant",
    "scope",
    "grantee_kind",
    "grantee",
    "granted_at",
    "granted_by",
    "granted_reason",
    "expires_at",
    "last_used_at",
    "state",
    "ended_at",
    "decision",
    "keep_until",
    "decided_at",
    "decided_by",
    "reason",
)


def rows_of(review: AccessReview) -> Iterator[dict[str, object]]:
    """Yield the evidence about each grant of a review. It needs little memory, however many."""
    related = [f"grant__{name}" for name in (*GRANTEES, "granted_by", "use")]
    rows: Any = ReviewedGrant.objects.using(grants.database()).filter(review=review)
    rows, last, now = rows.order_by("grant_id"), -(2**63), timezone.now()
    while keys := list(rows.filter(grant_id__gt=last).values_list("pk", "grant_id")[:_PAGE]):
        # By their own keys: a condition on the grant would leave out deleted ones.
        found = rows.filter(pk__in=[pk for pk, _grant in keys])
        for row in found.select_related("decided_by", *related):
            yield dict(zip(COLUMNS, _values(row, now), strict=True))
        last = keys[-1][1]


def as_json(review: AccessReview) -> Iterator[str]:
    """Yield the evidence as JSON, in pieces."""
    done = progress(review)
    said = {
        "review": review.pk,
        "title": review.title,
        "covers": review.covers,
        "reviewer": _name(review.reviewer),
        "opened_at": _text(review.opened_at),
        "opened_by": _name(review.opened_by),
        "due_at": _text(review.due_at),
        "closed_at": _text(review.closed_at),
        "total": done.total,
        "kept": done.kept,
        "revoked": done.revoked,
        "ended": done.ended,
        "left": done.left,
        "digest": review.digest,
        "written_at": _text(timezone.now()),
    }
    yield json.dumps(said, ensure_ascii=False)[:-1] + ', "grants": ['
    comma = ""
    for row in rows_of(review):
        yield f"{comma}\n{json.dumps(row, ensure_ascii=False)}"
        comma = ","
    yield "\n]}\n"


def as_csv(review: AccessReview) -> Iterator[str]:
    """Yield the evidence as CSV, in lines. No cell is a formula to a spreadsheet."""
    yield _line(COLUMNS)
    for row in rows_of(review):
        yield _line([cell(value) for value in row.values()])


def _line(cells: Any) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerow(cells)
    return out.getvalue()


def _values(row: ReviewedGrant, now: datetime) -> tuple[object, ...]:
    grant = row.grant
    kind, _colon, key = row.grantee.partition(":")
    used = row.last_used_at
    if grant is None:
        known: tuple[object, ...] = (key, None, None, None, None, _text(used), "deleted", None)
    else:
        if not row.decision:
            used = grant.last_used_at
        known = (
            str(grant.grantee),
            _text(grant.granted_at),
            _name(grant.granted_by),
            grant.reason,
            _text(grant.expires_at),
            _text(used),
            *_state(grant, now),
        )
    return (
        row.pk,
        row.grant_id,
        row.scope,
        kind,
        *known,
        row.decision or None,
        _text(row.keep_until),
        _text(row.decided_at),
        _name(row.decided_by),
        row.reason,
    )


def _state(grant: ScopeGrant, now: datetime) -> tuple[str, str | None]:
    if grant.revoked_at is not None:
        return "revoked", _text(grant.revoked_at)
    return ("live", None) if grant.is_live(now) else ("expired", _text(grant.expires_at))


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _name(user: Any) -> str | None:
    return None if user is None else str(user)
