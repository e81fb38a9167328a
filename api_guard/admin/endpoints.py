"""The page of all endpoints: what each requires, and which stand open."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from api_guard import explain
from api_guard.access.endpoints import Row, Status
from api_guard.admin.pages import Choices, Listed, PageAdmin, term_of
from api_guard.admin.viewing import scope_url, viewer_of
from api_guard.models import Endpoint, Scope

_STATUSES = {
    Status.UNGUARDED: _("unguarded: refused"),
    Status.UNKNOWN: _("unknown: has lost its guard"),
    Status.PUBLIC: _("public"),
    Status.EXEMPT: _("exempt"),
    Status.GUARDED: _("guarded"),
}


@admin.register(Endpoint)
class EndpointAdmin(PageAdmin):
    """Seen with `view_endpoint`."""

    search_help_text = _("Words of the method, the path, the view, the scope or the object rule.")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """List the endpoints of the URLconf, as `guard_endpoints` does."""
        del extra_context
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = explain.requirements()
        counts = Counter(each.row.status for each in found)
        values = [
            (each.value, f"{said} ({counts[each.value]})")
            for each, said in _STATUSES.items()
            if counts[each.value]
        ]
        chosen = Choices.of(request, _("status"), "status", [("", _("all")), *values])
        words = term_of(request).lower().split()
        rows = [
            each
            for each in found
            if chosen.chosen in ("", each.row.status) and _matches(each.row, words)
        ]
        listed = Listed(self, request, rows, [chosen], per_page=100)
        may_open = Scope in self.admin_site._registry and _may_see_scopes(request)
        lines = [
            (each.row, [(name, scope_url(self.admin_site, name)) for name in each.scopes])
            for each in listed.result_list
        ]
        return self.show(
            request,
            "endpoints.html",
            _("Endpoints"),
            cl=listed,
            lines=lines,
            may_open=may_open,
            has_any=bool(found),
            labels={each.value: said for each, said in _STATUSES.items()},
        )


def _may_see_scopes(request: HttpRequest) -> bool:
    user: Any = request.user
    return viewer_of(request).gives_all or bool(user.has_perm("api_guard.view_scope"))


def _matches(row: Row, words: list[str]) -> bool:
    parts = (row.method, row.path, row.view, row.action, row.requirement, row.objects, row.rates)
    text = " ".join(parts).lower()
    return all(word in text for word in words)
