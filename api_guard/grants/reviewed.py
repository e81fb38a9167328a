"""What counts of a review: its list of grants, as a digest, and its decisions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from api_guard.core.records import canonical
from api_guard.grants.kept import State
from api_guard.grants.reading import database
from api_guard.grants.wording import keep_date, user_key
from api_guard.models import AccessReview, ReviewedGrant

_PAGE = 2000


def digest_of(review: int) -> str:
    """Return the number and the digest of the grants in a review, as the database has them."""
    count, digest = 0, hashlib.sha256()
    for row in _lines(review):
        count += 1
        digest.update(canonical(row).encode())
    return said(count, digest.hexdigest())


def said(count: int, digest: str) -> str:
    """Return the number and the digest as the ledger has them."""
    return f"{count} {digest}"


def state_of_review(row: AccessReview) -> State:
    """Return what counts of a review."""
    return {
        "covers": row.covers,
        "due": keep_date(row.due_at),
        "reviewer": user_key(row.reviewer_id),
        "list": digest_of(row.pk),
        "closed": "no" if row.closed_at is None else "yes",
    }


def state_of_decision(row: ReviewedGrant) -> State:
    """Return what counts of a decision."""
    return {
        "review": str(row.review_id),
        "grant": str(row.grant_id),
        "decision": row.decision,
        "keep date": keep_date(row.keep_until),
        "decider": user_key(row.decided_by_id),
    }


def is_of_open_review(row: ReviewedGrant) -> bool:
    """Whether the review of a decision is open."""
    return row.review.closed_at is None


def is_open_review(row: AccessReview) -> bool:
    """Whether a review is open."""
    return row.closed_at is None


def _lines(review: int) -> Iterator[tuple[int, str, str]]:
    rows = ReviewedGrant.objects.using(database()).filter(review=review).order_by("grant_id")
    last = -(2**63)
    while page := list(
        rows.filter(grant_id__gt=last).values_list("grant_id", "scope", "grantee")[:_PAGE]
    ):
        yield from page
        last = page[-1][0]
