"""The filter of the list of reviews. It shows those that are open, unless others are chosen."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from api_guard.admin.filters import WithDefault
from api_guard.admin.managers import person_of
from api_guard.models import AccessReview

_OPEN = "open"


class StandingFilter(WithDefault):
    """Filter by where a review stands."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the states, the open ones first."""
        del request, model_admin
        return [
            (_OPEN, _("open")),
            ("mine", _("open, for me to decide")),
            ("overdue", _("overdue")),
            ("closed", _("closed")),
            ("all", _("all")),
        ]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[AccessReview]
    ) -> QuerySet[AccessReview]:
        """Keep the reviews in the chosen state."""
        match self.chosen():
            case "mine":
                return queryset.filter(closed_at=None, reviewer=person_of(request).pk)
            case "overdue":
                return queryset.filter(closed_at=None, due_at__lte=timezone.now())
            case "closed":
                return queryset.filter(closed_at__isnull=False)
            case "all":
                return queryset
        return queryset.filter(closed_at=None)
