"""Which grants were selected in the list, signed, so that a page can be sent a million of them."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.views.main import PAGE_VAR
from django.core import signing
from django.db.models import Max, QuerySet
from django.http import HttpRequest, QueryDict

from api_guard import grants
from api_guard.models import ScopeGrant

_SALT = "api_guard.admin.selections"
_HOURS = 12
_LONGEST_KEY = 19


def is_key(text: str) -> bool:
    """Whether this may be the primary key of a grant, a request or a reviewed grant."""
    return text.isascii() and text.isdecimal() and len(text) < _LONGEST_KEY


@dataclass(frozen=True)
class Selection:
    """The selected grants: their primary keys, or the query of the list that shows all of them.

    Grants that are newer than `newest` do not belong to it.
    """

    keys: tuple[int, ...] = ()
    query: str = ""
    newest: int = 0

    @classmethod
    def of(cls, request: HttpRequest, queryset: QuerySet[ScopeGrant]) -> Selection:
        """Return what was selected in the list: rows of the page, or all rows."""
        if request.POST.get("select_across") != "1":
            return cls(keys=tuple(queryset.order_by().values_list("pk", flat=True)))
        newest = queryset.order_by().aggregate(newest=Max("pk"))["newest"]
        query = request.GET.copy()
        query.pop(PAGE_VAR, None)  # later, there may be fewer pages
        return cls(query=query.urlencode(), newest=newest or 0)

    def signed(self, request: HttpRequest) -> str:
        """Return it as text, for this user only."""
        value = [str(request.user.pk), list(self.keys), self.query, self.newest]
        return signing.dumps(value, salt=_SALT, compress=True)

    @classmethod
    def read(cls, request: HttpRequest, text: str) -> Selection | None:
        """Return what `signed` wrote, or None if it is forged, old, or of somebody else."""
        try:
            user, keys, query, newest = signing.loads(text, salt=_SALT, max_age=_HOURS * 3600)
        except signing.BadSignature:
            return None
        return cls(tuple(keys), query, newest) if user == str(request.user.pk) else None

    def rows(self, model_admin: Any, request: HttpRequest) -> QuerySet[ScopeGrant]:
        """Return the grants, of those that this user may see."""
        if not self.newest:
            rows: QuerySet[ScopeGrant] = model_admin.get_queryset(request)
            return rows.filter(pk__in=self.keys)
        asked = copy(request)
        asked.GET = QueryDict(self.query)
        found: QuerySet[ScopeGrant] = model_admin.get_changelist_instance(asked).get_queryset(asked)
        return found.using(grants.database()).filter(pk__lte=self.newest)
