"""The admin of GrantRequest: approve or decline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.contrib import admin, messages
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from api_guard import conf, grants
from api_guard.admin.databases import WrittenAdmin
from api_guard.admin.lists import IndexedAdmin
from api_guard.models import GRANTEES, GrantRequest


@admin.register(GrantRequest)
class GrantRequestAdmin(IndexedAdmin, WrittenAdmin):
    """A user who may change grants sees the requests. A user who may grant the scope approves."""

    list_display = (
        *("scope", "meaning", "held_by", "state", "asked_by", "approved_by"),
        *("reason", "expires_at", "asked_at"),
    )
    # What somebody who approves has to know.
    fields = (
        *("scope", "meaning", "held_by", "expires_at", "reason", "asked_by", "asked_at"),
        *("approved_by", "state", "decided_at"),
    )
    readonly_fields = fields
    list_filter = ("outcome",)
    list_select_related = (*GRANTEES, "asked_by")
    actions = ("approve", "decline")
    list_per_page = 20  # each is read before it is approved

    def get_queryset(self, request: HttpRequest) -> QuerySet[GrantRequest]:
        """Read who has approved them, in two queries for all of them."""
        rows: QuerySet[GrantRequest] = super().get_queryset(request)
        return rows.prefetch_related("approvals__by")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody: granting a scope that needs approval creates the request."""
        del request
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether this user may change grants. A request itself never changes."""
        user: Any = request.user
        return obj is None and bool(user.has_perm("api_guard.change_scopegrant"))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether this user may change grants."""
        del obj
        return self.has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: decline the request instead. It stays in the list."""
        del request, obj
        return False

    @admin.display(description=_("meaning"))
    def meaning(self, obj: GrantRequest) -> str:
        """The description of the scope."""
        return conf.scopes().get(obj.scope, "—")

    @admin.display(description=_("grantee"))
    def held_by(self, obj: GrantRequest) -> str:
        """The kind of grantee and its name."""
        return f"{obj.grantee_kind} {obj.grantee}"

    @admin.display(description=_("approved by"))
    def approved_by(self, obj: GrantRequest) -> str:
        """Who has said yes so far."""
        return ", ".join(sorted(str(each.by) for each in obj.approvals.all())) or "—"

    @admin.display(description=_("state"))
    def state(self, obj: GrantRequest) -> Any:
        """Open, granted or declined; nobody decides one that is too old."""
        is_open = obj.outcome == GrantRequest.Outcome.OPEN
        return _("too old") if is_open and not grants.is_open(obj) else obj.get_outcome_display()

    @admin.action(description=_("Approve the selected requests"), permissions=["change"])
    def approve(self, request: HttpRequest, queryset: QuerySet[GrantRequest]) -> None:
        """Approve each request. A request with enough approvals is granted."""
        by = cast("models.Model", request.user)
        self._each(request, queryset, lambda row: str(self._approved(grants.approve(row, by=by))))

    @admin.action(description=_("Decline the selected requests"), permissions=["change"])
    def decline(self, request: HttpRequest, queryset: QuerySet[GrantRequest]) -> None:
        """Decline each request."""
        by = cast("models.Model", request.user)

        def decline(row: GrantRequest) -> str:
            return str(_("Declined: %s.") % grants.decline(row, by=by))

        self._each(request, queryset, decline)

    def _approved(self, made: models.Model) -> Any:
        if isinstance(made, GrantRequest):
            return _("Approved. One more approval is needed: %s.") % made
        return _("Granted: %s.") % made

    def _each(
        self,
        request: HttpRequest,
        queryset: QuerySet[GrantRequest],
        decide: Callable[[GrantRequest], str],
    ) -> None:
        for row in queryset:
            try:
                said = decide(row)
            except grants.GrantError as error:
                self.message_user(request, f"{row}: {error}", messages.WARNING)
                continue
            self.log_change(request, row, said)
            self.message_user(request, said, messages.SUCCESS)
