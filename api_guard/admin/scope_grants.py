"""The admin of ScopeGrant: give, extend and revoke. It cannot delete grants."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from api_guard import conf, grants
from api_guard.admin.changes import EXTEND, KEEP, REVOKE, Page
from api_guard.admin.changing import SELECTED, change_grants
from api_guard.admin.databases import WrittenAdmin
from api_guard.admin.ending import end_access
from api_guard.admin.filters import ORDERS, KindFilter, ScopeFilter, StateFilter, UseFilter
from api_guard.admin.forms import GrantForm
from api_guard.admin.grant_columns import GrantColumns, keep_meanings
from api_guard.admin.grantees import find_grantees
from api_guard.admin.granting import give
from api_guard.admin.lists import IndexedAdmin
from api_guard.admin.managers import ManagedAdmin, authority_of, grant_url, may_revoke
from api_guard.admin.selections import Selection
from api_guard.grants import effects
from api_guard.models import GRANTEES, ScopeGrant


@admin.register(ScopeGrant)
class ScopeGrantAdmin(GrantColumns, ManagedAdmin, IndexedAdmin, WrittenAdmin):
    """Writes only through `api_guard.grants`."""

    list_display = ("held_by", "scope_in_words", "state", "ends", "given", "reason", "used")
    list_display_links = ("scope_in_words",)
    list_filter = (StateFilter, UseFilter, KindFilter, ScopeFilter)
    list_select_related = (*GRANTEES, "granted_by", *effects.LAST_USE_RELATED)
    search_fields = ("scope",)
    search_help_text = _("A name, an e-mail address, a client id, or a scope.")
    actions = ("revoke", "extend", "keep")

    class Media:
        css = {"all": ["api_guard/grants.css"]}

    def get_ordering(self, request: HttpRequest) -> Any:
        """Return the newest first, or the grants that ended last, or those that end next."""
        return ORDERS.get(request.GET.get("state", ""), super().get_ordering(request))

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the list, whose rows know what the scopes mean."""
        changes: Any = super().get_changelist_instance(request)
        changes.result_list = list(changes.result_list)
        keep_meanings(changes.result_list)
        return changes

    def get_urls(self) -> list[URLPattern]:
        """Add the pages that end and change access, and the search for grantees."""
        views: dict[str, Any] = {
            "end-access": partial(end_access, self),
            "grantees": partial(find_grantees, self),
            "revoke": partial(change_grants, REVOKE, self),
            "extend": partial(change_grants, EXTEND, self),
            "keep": partial(change_grants, KEEP, self),
        }
        return [
            *(
                path(
                    f"{name}/",
                    self.admin_site.admin_view(view),
                    name=f"api_guard_scopegrant_{name.replace('-', '_')}",
                )
                for name, view in views.items()
            ),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the list, and what to do next if it is empty."""
        context = {
            "title": _("Who may do what"),
            "may_end_access": self.has_change_permission(request),
            "add_url": grant_url(self.admin_site, "add"),
            "list_url": grant_url(self.admin_site, "changelist"),
            "end_access_url": grant_url(self.admin_site, "end_access"),
            "has_scopes": bool(conf.grantable()),
            "has_managed": bool(authority_of(request).scopes()),
            **(extra_context or {}),
        }
        response: HttpResponse = super().changelist_view(request, context)
        return response

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show the form. What somebody else did at the same moment is an error above it."""
        context = {
            "title": _("Give access"),
            "show_save_and_continue": False,
            "has_scopes": bool(conf.grantable()),
            "has_managed": bool(authority_of(request).scopes()),
            **(extra_context or {}),
        }
        try:
            response: HttpResponse = super().add_view(request, form_url, context)
        except grants.GrantError as error:
            messages.error(request, error.detail)
            return HttpResponseRedirect(request.get_full_path())
        if isinstance(response, TemplateResponse) and response.context_data is not None:
            # The list of scopes may be long.
            response.context_data["save_on_top"] = True
        return response

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show a grant, with links to the pages that change it."""
        row = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if row is not None:
            context |= {"title": str(row), "subtitle": None, **self._links(request, row)}
        return super().change_view(request, object_id, form_url, context)

    def _links(self, request: HttpRequest, row: ScopeGrant) -> dict[str, str]:
        if not self.has_change_permission(request) or not may_revoke(request, row):
            return {}
        links = {"revoke_url": self._page_url(REVOKE, request, Selection((row.pk,)))}
        if row.is_live():
            links["extend_url"] = self._page_url(EXTEND, request, Selection((row.pk,)))
        return links

    def _page_url(self, page: Page, request: HttpRequest, selection: Selection) -> str:
        query = urlencode({SELECTED: selection.signed(request)})
        return f"{grant_url(self.admin_site, page.name)}?{query}"

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Return the form to grant, with what this user may give."""
        if obj is not None:
            return super().get_form(request, obj, change, **kwargs)
        made: Any = super().get_form(request, obj, change, **{**kwargs, "form": GrantForm})
        made.authority, made.admin_site = authority_of(request), self.admin_site
        return made

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Choose what the link to the form names: `?user=7&scopes=notes:read`."""
        chosen = [f"{kind}:{key}" for kind in GRANTEES for key in request.GET.getlist(kind)]
        return {"grantees": chosen, "scopes": request.GET.getlist("scopes")}

    def get_fields(self, request: HttpRequest, obj: ScopeGrant | None = None) -> Any:
        """Show the form, or everything about a grant."""
        del request
        if obj is None:
            return GrantForm.field_order
        fields = ["held_by", "scope_in_words", "state", "ends", "given", "reason", "used"]
        return [*fields, *(["revoked", "revoked_reason"] if obj.revoked_at else [])]

    def get_readonly_fields(self, request: HttpRequest, obj: ScopeGrant | None = None) -> Any:
        """Make everything of a grant read-only: its buttons lead to the pages that change it."""
        return () if obj is None else self.get_fields(request, obj)

    def save_model(self, request: HttpRequest, obj: ScopeGrant, form: Any, change: bool) -> None:
        """Grant, and tell what was granted."""
        del obj, change
        give(request, form.offer(form.cleaned_data))

    def log_addition(self, request: HttpRequest, obj: ScopeGrant, message: Any) -> Any:
        """Do nothing: `give` has written an entry for each grant."""

    def response_add(
        self, request: HttpRequest, obj: ScopeGrant, post_url_continue: Any = None
    ) -> HttpResponse:
        """Redirect to the form for the next grant, or to the list."""
        del post_url_continue
        if "_addanother" in request.POST:
            return HttpResponseRedirect(request.path)
        return self.response_post_save_add(request, obj)

    @admin.action(description=_("Revoke the selected grants"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ScopeGrant]) -> HttpResponse:
        """Lead to the page that says what will stop working."""
        url = self._page_url(REVOKE, request, Selection.of(request, queryset))
        return HttpResponseRedirect(url)

    @admin.action(description=_("Change the end of the selected grants"), permissions=["change"])
    def extend(self, request: HttpRequest, queryset: QuerySet[ScopeGrant]) -> HttpResponse:
        """Lead to the page that asks for the new end."""
        url = self._page_url(EXTEND, request, Selection.of(request, queryset))
        return HttpResponseRedirect(url)

    @admin.action(description=_("Keep the selected grants"), permissions=["change"])
    def keep(self, request: HttpRequest, queryset: QuerySet[ScopeGrant]) -> HttpResponse:
        """Lead to the page that asks until when they are kept although they are unused."""
        url = self._page_url(KEEP, request, Selection.of(request, queryset))
        return HttpResponseRedirect(url)
