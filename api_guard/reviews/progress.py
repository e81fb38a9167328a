"""How far a review has come."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from api_guard import grants
from api_guard.models import AccessReview, ReviewedGrant


@dataclass(frozen=True)
class Progress:
    """The number of grants of a review by decision. `ended` are undecided ones that have ended."""

    total: int
    kept: int
    revoked: int
    ended: int

    @property
    def left(self) -> int:
        """How many wait for a decision."""
        return self.total - self.kept - self.revoked - self.ended


def progress(review: AccessReview) -> Progress:
    """Return how far a review has come, with one query."""
    rows: Any = review.items.using(grants.database()).order_by()
    return Progress(**rows.aggregate(**_counts()))


def progress_of(reviews: Collection[int]) -> dict[int, Progress]:
    """Return how far several reviews have come, by primary key, with one query."""
    rows: Any = ReviewedGrant.objects.using(grants.database()).filter(review__in=reviews)
    found = {
        row.pop("review"): row for row in rows.order_by().values("review").annotate(**_counts())
    }
    nothing = Progress(0, 0, 0, 0)
    return {pk: Progress(**found[pk]) if pk in found else nothing for pk in reviews}


def _counts() -> dict[str, Count]:
    is_over = Q(grant__live__isnull=True) | Q(grant__expires_at__lte=timezone.now())
    return {
        "total": Count("pk"),
        "kept": Count("pk", filter=Q(decision="keep")),
        "revoked": Count("pk", filter=Q(decision="revoke")),
        # A grant that was deleted has no row any more, and so no `live`.
        "ended": Count("pk", filter=Q(decision="") & is_over),
    }


def reviews_of(reviewer: models.Model) -> QuerySet[AccessReview]:
    """Return the open reviews of a reviewer; of everybody, for who may grant every scope."""
    rows: QuerySet[Any] = AccessReview.objects.using(grants.database()).filter(
        closed_at__isnull=True
    )
    return rows if grants.may_give_any(reviewer) else rows.filter(reviewer=reviewer)
