"""The admin of ScopeGrant: grant, extend and revoke. It cannot delete grants."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

from django.contrib import admin, messages
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from api_guard import conf, grants
from api_guard.admin.databases import WrittenAdmin
from api_guard.admin.ending import end_access
from api_guard.admin.filters import ScopeFilter, StateFilter
from api_guard.admin.forms import ExtendForm, GrantForm, RevokeForm
from api_guard.admin.grantees import GranteeSelect, find_grantees
from api_guard.admin.lists import MOST_ROWS, IndexedAdmin
from api_guard.models import GRANTEES, GrantRequest, ScopeGrant

HISTORY = (
    "granted_at",
    "granted_by",
    "revoked_at",
    "revoked_by",
    "revoked_reason",
    "last_used_at",
    "is_break_glass",
)


def _person(request: HttpRequest) -> models.Model:
    return cast("models.Model", request.user)  # the admin requires a sign-in


# The order of the list for a state, which an index supports.
_ORDERS = {"expired": ("-expires_at", "-pk"), "revoked": ("-revoked_at", "-pk")}


@admin.register(ScopeGrant)
class ScopeGrantAdmin(IndexedAdmin, WrittenAdmin):
    """Writes only through `api_guard.grants`."""

    list_display = ("scope", "meaning", "held_by", "state", "expires_at", "last_used_at", "reason")
    list_filter = (StateFilter, ScopeFilter, "granted_at")
    list_select_related = GRANTEES
    search_fields = ("scope",)
    actions = ("revoke",)

    def get_ordering(self, request: HttpRequest) -> Any:
        """Return the newest first, or the grants that ended last."""
        return _ORDERS.get(request.GET.get("state", ""), super().get_ordering(request))

    def get_urls(self) -> list[URLPattern]:
        """Add the page that ends all access of a grantee, and the search for grantees."""
        view = self.admin_site.admin_view(partial(end_access, self))
        found = self.admin_site.admin_view(partial(find_grantees, self))
        return [
            path("end-access/", view, name="api_guard_scopegrant_end_access"),
            path("grantees/", found, name="api_guard_scopegrant_grantees"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show a link to that page above the list."""
        may = {"may_end_access": self.has_change_permission(request)}
        response: HttpResponse = super().changelist_view(request, {**may, **(extra_context or {})})
        return response

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Return the form to grant or the form to extend."""
        form = GrantForm if obj is None else ExtendForm
        made: Any = super().get_form(request, obj, change, **{**kwargs, "form": form})
        made.by = request.user
        return made

    def get_fields(self, request: HttpRequest, obj: ScopeGrant | None = None) -> Any:
        """Show the form, and the history of an existing grant."""
        del request
        if obj is None:
            return ("scopes", *GRANTEES, "expires_at", "reason")
        return ("scope", "meaning", obj.grantee_kind, "expires_at", "reason", *HISTORY)

    def get_readonly_fields(self, request: HttpRequest, obj: ScopeGrant | None = None) -> Any:
        """Make everything read-only except the expiry of an existing grant."""
        del request
        if obj is None:
            return ()
        return ("scope", "meaning", *GRANTEES, "reason", *HISTORY)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Return the field that searches grantees by name."""
        found = GranteeSelect(db_field.name, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **{**kwargs, "widget": found})

    def save_model(self, request: HttpRequest, obj: ScopeGrant, form: Any, change: bool) -> None:
        """Grant or extend."""
        if change:
            grants.extend(form.stored(), form.cleaned_data["expires_at"], by=_person(request))
            return
        made = form.grant(form.cleaned_data)
        for row in made:
            if isinstance(row, GrantRequest):
                said = _("Requested. Two other users have to approve it: %s.") % row
                self.message_user(request, said, messages.WARNING)
        granted = [row for row in made if isinstance(row, ScopeGrant)]
        for row in granted[:1]:
            obj.__dict__.update(row.__dict__)
        for row in granted[1:]:
            self.log_addition(request, row, [{"added": {}}])

    def log_addition(self, request: HttpRequest, obj: ScopeGrant, message: Any) -> Any:
        """Log a grant. A request has its own record."""
        return None if obj._state.adding else super().log_addition(request, obj, message)

    def response_add(
        self, request: HttpRequest, obj: ScopeGrant, post_url_continue: Any = None
    ) -> HttpResponse:
        """Redirect. If nothing is granted yet, redirect to the list."""
        if obj._state.adding:
            return self.response_post_save_add(request, obj)
        return super().response_add(request, obj, post_url_continue)

    def has_change_permission(self, request: HttpRequest, obj: ScopeGrant | None = None) -> bool:
        """Whether the grant is live and this user manages its scope."""
        if not super().has_change_permission(request, obj):
            return False
        return obj is None or (obj.is_live() and grants.may_manage(_person(request), obj.scope))

    def has_delete_permission(self, request: HttpRequest, obj: ScopeGrant | None = None) -> bool:
        """No: revoke a grant instead, so that its history stays.

        Other admins may delete a grantee, which deletes its grants.
        """
        del obj
        match = request.resolver_match
        return match is not None and not (match.url_name or "").startswith("api_guard_scopegrant")

    @admin.display(description=_("meaning"))
    def meaning(self, obj: ScopeGrant) -> str:
        """The description of the scope."""
        return conf.scopes().get(obj.scope, "—")

    @admin.display(description=_("grantee"))
    def held_by(self, obj: ScopeGrant) -> str:
        """The kind of grantee and its name."""
        return f"{obj.grantee_kind} {obj.grantee}"

    @admin.display(description=_("state"))
    def state(self, obj: ScopeGrant) -> Any:
        """Live, expired or revoked."""
        if obj.revoked_at is not None:
            return _("revoked")
        if not obj.is_live():
            return _("expired")
        return _("live, break-glass") if obj.is_break_glass else _("live")

    @admin.action(description=_("Revoke the selected grants"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ScopeGrant]) -> HttpResponse | None:
        """Ask for a reason, then revoke."""
        if queryset[: MOST_ROWS + 1].count() > MOST_ROWS:
            # The list shows only the first of all matching rows.
            said = _("You can revoke at most %d grants at once. Filter the list.") % MOST_ROWS
            self.message_user(request, said, messages.ERROR)
            return None
        form = RevokeForm(request.POST if "confirmed" in request.POST else None)
        if not form.is_valid():
            context = {
                **self.admin_site.each_context(request),
                "title": _("Revoke grants"),
                "opts": self.opts,
                "grants": queryset,
                "form": form,
                "media": self.media,
            }
            return TemplateResponse(request, "admin/api_guard/revoke.html", context)
        self._revoke_each(request, queryset, form.cleaned_data["reason"])
        return None

    def _revoke_each(
        self, request: HttpRequest, queryset: QuerySet[ScopeGrant], reason: str
    ) -> None:
        count = 0
        for row in queryset:
            try:
                grants.revoke(row, by=_person(request), reason=reason)
            except grants.GrantError as error:
                self.message_user(request, str(error), messages.WARNING)
                continue
            self.log_change(request, row, f"Revoked. {reason}".strip())
            count += 1
        if count:
            said = ngettext("%d grant was revoked.", "%d grants were revoked.", count)
            self.message_user(request, said % count, messages.SUCCESS)
