"""Which reviews a person may see, what of one, and what it may do there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from api_guard import reviews
from api_guard.admin.managers import authority_of, person_of
from api_guard.core.scopes import EVERY_SCOPE
from api_guard.grants import Authority
from api_guard.models import AccessReview, ReviewedGrant, is_past


@dataclass(frozen=True)
class Reader:
    """A person who looks at reviews. With `sees_all`, it sees each of them whole."""

    person: Any
    authority: Authority
    sees_all: bool

    @classmethod
    def of(cls, request: HttpRequest, *, may_view: bool) -> Reader:
        """Return the person of a request. `may_view` says whether it has Django's permission."""
        authority = authority_of(request)
        sees_all = may_view or authority.is_over(EVERY_SCOPE)
        return cls(person_of(request), authority, sees_all)

    def seen(self, rows: QuerySet[AccessReview]) -> QuerySet[AccessReview]:
        """Keep the reviews that it decides, and those of what it may give."""
        if self.sees_all:
            return rows
        of_scope = Q(scope__in=self.authority.scopes())
        of_group = Q(scope="", scope_group__in=self.authority.groups - {""})
        return rows.filter(Q(reviewer=self.person.pk) | of_scope | of_group)

    def items(self, review: AccessReview) -> QuerySet[ReviewedGrant]:
        """Return the grants of a review that it may know of."""
        rows = reviews.items_of(review)
        return rows if self.sees_all else rows.filter(scope__in=self.authority.scopes())

    def sees_whole(self, review: AccessReview) -> bool:
        """Whether it may know of each grant of a review."""
        if self.sees_all:
            return True
        hidden = reviews.items_of(review).exclude(scope__in=self.authority.scopes())
        return not hidden.exists()

    def decides(self, review: AccessReview) -> bool:
        """Whether it decides in a review, and may close it."""
        is_reviewer = review.reviewer_id is not None and review.reviewer_id == self.person.pk
        return review.closed_at is None and (is_reviewer or self.authority.gives_any)


def is_overdue(review: AccessReview) -> bool:
    """Whether an open review should have ended."""
    return review.closed_at is None and is_past(review.due_at, timezone.now())


def covers(review: AccessReview) -> str:
    """Return what a review covers, in words."""
    what = review.scope or _("all scopes")
    if review.scope_group:
        what = _("the scopes of %(group)s") % {"group": review.scope_group}
    said = {
        "user": _("%(what)s, of users"),
        "group": _("%(what)s, of groups"),
        "client": _("%(what)s, of clients"),
    }.get(review.grantee_kind, "%(what)s")
    return said % {"what": what}
