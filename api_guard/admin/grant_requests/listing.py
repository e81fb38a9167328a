"""The admin of GrantRequest: the list, and who sees what of it."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from api_guard import conf
from api_guard.admin.databases import WrittenAdmin
from api_guard.admin.filters import KindFilter, ScopeFilter
from api_guard.admin.grant_requests.bulk import (
    APPROVE,
    DECLINE,
    MOST_AT_ONCE,
    bulk_page,
    bulk_url,
)
from api_guard.admin.grant_requests.columns import KEPT, RequestColumns
from api_guard.admin.grant_requests.deciding import decide_page
from api_guard.admin.grant_requests.filters import StandingFilter
from api_guard.admin.lists import IndexedAdmin
from api_guard.admin.managers import authority_of, manages
from api_guard.core.scopes import EVERY_SCOPE
from api_guard.models import GRANTEES, GrantRequest


@admin.register(GrantRequest)
class GrantRequestAdmin(RequestColumns, IndexedAdmin, WrittenAdmin):
    """An authority is enough to see and decide the requests for its scopes.

    Who has Django's view permission sees all of them.
    """

    list_display = ("whom", "scope_in_words", "state", "until", "reason", "asked", "approved_by")
    list_display_links = ("scope_in_words",)
    list_filter = (StandingFilter, KindFilter, ScopeFilter)
    list_select_related = (*GRANTEES, "asked_by", "decided_by")
    search_fields = ("scope",)
    search_help_text = gettext_lazy("A name, an e-mail address, a client id, or a scope.")
    actions = ("approve", "decline")
    list_per_page = 50

    class Media:
        css = {"all": ["api_guard/admin.css", "api_guard/grants.css"]}
        js = ("api_guard/grants.js",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[GrantRequest]:
        """Return the requests that this user may see, with who has approved them."""
        rows: QuerySet[GrantRequest] = super().get_queryset(request)
        rows = rows.select_related(*self.list_select_related).prefetch_related("approvals__by")
        if self.sees_all(request):
            return rows
        return rows.filter(scope__in=authority_of(request).scopes())

    def sees_all(self, request: HttpRequest) -> bool:
        """Whether this user may know the requests for all scopes."""
        return super().has_view_permission(request) or authority_of(request).is_over(EVERY_SCOPE)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the list, whose rows know what the scopes mean."""
        changes: Any = super().get_changelist_instance(request)
        changes.result_list = list(changes.result_list)
        meanings = conf.grantable()
        for row in changes.result_list:
            setattr(row, KEPT, meanings)
        return changes

    def get_urls(self) -> list[URLPattern]:
        """Add the page that decides about several."""
        view = self.admin_site.admin_view(partial(bulk_page, self))
        own = [path("decide/", view, name="api_guard_grantrequest_decide")]
        return [*own, *super().get_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody: users ask by the API, and granting a sensitive scope asks for it."""
        del request
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether this user may decide requests. A request itself never changes."""
        return obj is None and manages(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether this user may see requests, all or those for the scopes that it manages."""
        return super().has_view_permission(request, obj) or manages(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the app is listed for this user."""
        return self.has_view_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: decline the request instead. It stays in the list."""
        del request, obj
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the list, and what to do next if it is empty."""
        requestable = any(terms.is_requestable for terms in conf.scope_terms().values())
        context = {
            "title": _("Who asks for what"),
            "has_requestable": requestable or bool(conf.sensitive_scopes()),
            **(extra_context or {}),
        }
        response: HttpResponse = super().changelist_view(request, context)
        return response

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show a request, and decide it."""
        row = self.get_object(request, object_id)
        if row is None or not self.has_view_permission(request, row):
            return super().change_view(request, object_id, form_url, extra_context)
        return decide_page(self, request, row)

    @admin.action(description=gettext_lazy("Approve the selected requests"), permissions=["change"])
    def approve(self, request: HttpRequest, queryset: QuerySet[GrantRequest]) -> Any:
        """Lead to the page that shows them and asks for the end."""
        return self._lead(request, queryset, APPROVE)

    @admin.action(description=gettext_lazy("Decline the selected requests"), permissions=["change"])
    def decline(self, request: HttpRequest, queryset: QuerySet[GrantRequest]) -> Any:
        """Lead to the page that shows them and asks for the reason."""
        return self._lead(request, queryset, DECLINE)

    def _lead(self, request: HttpRequest, rows: QuerySet[GrantRequest], decision: str) -> Any:
        # One that was decided meanwhile is in the filtered list no more: the page says so.
        keys: list[Any] = request.POST.getlist("_selected_action")
        if request.POST.get("select_across") == "1":
            keys = list(rows.order_by("pk").values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
        if len(keys) > MOST_AT_ONCE:
            said = _("Select at most %(count)d requests.") % {"count": MOST_AT_ONCE}
            messages.warning(request, said)
            return None
        return HttpResponseRedirect(bulk_url(self, decision, keys))
