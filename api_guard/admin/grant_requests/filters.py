"""The filter of the list of requests. It shows those that wait, unless others are chosen."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from api_guard import conf, grants
from api_guard.admin.filters import WithDefault
from api_guard.admin.grant_requests.standing import STATES
from api_guard.admin.managers import person_of
from api_guard.models import GrantRequest

_WAITING, _MINE, _ALL = "open", "mine", "all"


class StandingFilter(WithDefault):
    """Filter by where a request stands."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the states, those that wait first."""
        del request, model_admin
        others = [(name, said) for name, said in STATES.items() if name != _WAITING]
        first = [(_WAITING, STATES[_WAITING]), (_MINE, _("waiting for me"))]
        return [*first, *others, (_ALL, _("all"))]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[GrantRequest]
    ) -> QuerySet[GrantRequest]:
        """Keep the requests in the chosen state."""
        since = timezone.now() - conf.request_lifetime()
        match self.chosen():
            case "open":
                return queryset.filter(outcome="", asked_at__gt=since)
            case "mine":
                mine = grants.decidable(person_of(request)).order_by().values("pk")
                return queryset.filter(pk__in=mine)
            case "expired":
                return queryset.filter(Q(outcome="expired") | Q(outcome="", asked_at__lte=since))
            case "all":
                return queryset
            case state:
                return queryset.filter(outcome=state)
