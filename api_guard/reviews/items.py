"""The grants of a review: which wait for a decision, and what stands out about them."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from api_guard import conf, grants
from api_guard.models import GRANTEES, AccessReview, ReviewedGrant, ScopeGrant, ScopeUse

UNUSED_FOR = timedelta(days=90)
ENDING_WITHIN = timedelta(days=30)
_SHOWN = (*GRANTEES, "granted_by", "use")


class Standing(StrEnum):
    """What became of a grant of a review. `ENDED` ones were not decided before they ended."""

    WAITING = "waiting"
    KEPT = "keep"
    REVOKED = "revoke"
    ENDED = "ended"


class Finding(StrEnum):
    """What stands out about a grant."""

    UNUSED = "unused"
    ENDING = "ending"
    WITHOUT_EFFECT = "without"


def items_of(review: AccessReview) -> QuerySet[ReviewedGrant]:
    """Return the rows of a review, each with its grant and everything that a page shows of it."""
    rows: Any = ReviewedGrant.objects.using(grants.database())
    related = (f"grant__{name}" for name in _SHOWN)
    shown: QuerySet[ReviewedGrant] = rows.filter(review=review).order_by("pk")
    return shown.select_related("decided_by", "grant", *related)


def standing(rows: QuerySet[ReviewedGrant], which: Standing) -> QuerySet[ReviewedGrant]:
    """Keep the rows with a standing."""
    if which in (Standing.KEPT, Standing.REVOKED):
        return rows.filter(decision=which.value)
    rows = rows.filter(decision="")
    now = timezone.now()
    # A grant that was deleted has no row any more, and so no `live`.
    is_over = Q(grant__live__isnull=True) | Q(grant__expires_at__lte=now)
    is_live = Q(grant__live=1) & (Q(grant__expires_at__isnull=True) | Q(grant__expires_at__gt=now))
    return rows.filter(is_over if which is Standing.ENDED else is_live)


def found(rows: QuerySet[ReviewedGrant], which: Finding) -> QuerySet[ReviewedGrant]:
    """Keep the rows whose live grant stands out."""
    now = timezone.now()
    if which is Finding.UNUSED:
        before = now - UNUSED_FOR
        # PostgreSQL would read the whole table of uses for a join.
        use = ScopeUse.objects.filter(grant=OuterRef("grant_id")).order_by()
        rows = rows.alias(used=Subquery(use.values("last_used_at")[:1]))
        is_unused = Q(("used__isnull", True)) | Q(("used__lte", before))
        return rows.filter(is_unused, grant__granted_at__lte=before)
    if which is Finding.ENDING:
        ends = {"grant__expires_at__gt": now, "grant__expires_at__lte": now + ENDING_WITHIN}
        return rows.filter(**ends)
    user: Any = ScopeGrant._meta.get_field("user").related_model
    inactive = grants.active(user._base_manager.all(), is_active=False)
    is_inactive = Q(grant__user__in=inactive.order_by().values("pk"))
    return rows.filter(is_inactive | ~Q(scope__in=list(conf.grantable())))
