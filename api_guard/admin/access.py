"""The access pages: find a user, a group or a client, see what it may do, give and take."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from api_guard import conf, grants
from api_guard.admin.access_acts import give, take
from api_guard.admin.access_forms import GiveForm
from api_guard.admin.access_rows import (
    lines,
    overrides_of,
    partner_kind,
    partners,
    together,
    tokens_of,
)
from api_guard.admin.finding import as_found, find, grantee_at
from api_guard.admin.leaving import offboard_page
from api_guard.admin.linking import link_change_pages
from api_guard.admin.managers import authority_of
from api_guard.admin.overview import link_overview
from api_guard.admin.pages import (
    SEARCHED_NAMES,
    Choices,
    Listed,
    Noun,
    PageAdmin,
    as_fieldset,
    term_of,
)
from api_guard.admin.viewing import (
    Viewer,
    access_url,
    change_url,
    client_url,
    explain_url,
    may_see,
    viewer_of,
)
from api_guard.models import GRANTEES, Access, Client

_KINDS = (
    ("", _("all")),
    ("user", _("users")),
    ("group", _("groups")),
    ("client", _("clients")),
)


_GRANTS = Noun(_("live grant"), _("live grants"))


@admin.register(Access)
class AccessAdmin(PageAdmin):
    """Seen with `view_access`; who may only give some scopes sees and takes only these."""

    is_for_managers = True
    search_help_text = SEARCHED_NAMES

    def get_urls(self) -> list[URLPattern]:
        """Add the pages of a grantee, and what leads to them: see linking.py and overview.py."""
        link_change_pages(self.admin_site)
        link_overview(self.admin_site)
        wrap = self.admin_site.admin_view
        return [
            *super().get_urls(),
            path("<str:kind>/<str:key>/", wrap(self.access_view), name="api_guard_access"),
            path("user/<str:key>/offboard/", wrap(self.offboard_view), name="api_guard_offboard"),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Search for a grantee."""
        del extra_context
        if not self.has_view_permission(request):
            raise PermissionDenied
        chosen = Choices.of(request, _("kind"), "kind", _KINDS)
        kinds = (chosen.chosen,) if chosen.chosen else GRANTEES
        by_mail = viewer_of(request).sees_all
        found, is_more = find(term_of(request), kinds, by_mail=by_mail)
        rows = [(each, access_url(self.admin_site, each.kind, each.row.pk)) for each in found]
        listed = Listed(self, request, rows, [chosen], per_page=len(rows) + 1)
        return self.show(request, "accesses.html", _("Access"), cl=listed, is_more=is_more)

    def access_view(self, request: HttpRequest, kind: str, key: str) -> HttpResponse:
        """Show one grantee; give to it, or take from it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        viewer, grantee = viewer_of(request), grantee_at(kind, key)
        form = self._form(request, viewer, grantee)
        if request.method == "POST":
            if not (viewer.gives or viewer.gives_all):
                raise PermissionDenied
            if "_take" in request.POST:
                take(self, request, grantee)
                return HttpResponseRedirect(request.get_full_path())
            if form is not None and form.is_valid():
                give(self, request, form, grantee)
                return HttpResponseRedirect(request.path)
        return self._page(request, viewer, kind, grantee, form)

    def offboard_view(self, request: HttpRequest, key: str) -> HttpResponse:
        """Show what ends if a user leaves, and end it."""
        return offboard_page(self, request, key)

    def _form(self, request: HttpRequest, viewer: Viewer, grantee: models.Model) -> GiveForm | None:
        if not viewer.gives:
            return None
        is_given = request.method == "POST" and "_give" in request.POST
        data, wanted = request.POST if is_given else None, request.GET.getlist("scopes")
        return GiveForm(authority_of(request), grants.own_scopes(grantee), data, wanted)

    def _keys(
        self, request: HttpRequest, viewer: Viewer, grantee: models.Model
    ) -> list[tuple[int, str]]:
        """Return the live grants that the viewer may see and asks for, as `live_keys` does."""
        word = _scope_in(request)
        keys = grants.live_keys(grantee)
        # Each scope once: a user in many groups holds it many times.
        seen = {name for name in {scope for _key, scope in keys} if word in name}
        seen = set(filter(viewer.sees, seen))
        return [(key, scope) for key, scope in keys if scope in seen]

    def _page(
        self,
        request: HttpRequest,
        viewer: Viewer,
        kind: str,
        grantee: models.Model,
        form: GiveForm | None,
    ) -> HttpResponse:
        site, url = self.admin_site, access_url(self.admin_site, kind, grantee.pk)
        pair = together(kind, grantee, request.GET.get("with", ""), viewer, site)
        others = None if pair is None else frozenset(pair.both)
        keys = self._keys(request, viewer, grantee)
        listed = Listed(self, request, keys, noun=_GRANTS)
        held = grants.holdings(grantee, listed.result_list)
        shown = list(lines(held, viewer, site, others))
        alive = tokens_of(kind, grantee) if viewer.sees_all else None
        found, is_more = partners(alive, kind, term_of(request), url, viewer)
        return self.show(
            request,
            "access.html",
            _("What %(name)s may do") % {"name": as_found(kind, grantee, by_mail=False).name},
            original=as_found(kind, grantee, by_mail=False).name,
            grantee=as_found(kind, grantee, by_mail=viewer.sees_all),
            is_everyone=kind == "group" and conf.is_everyone_group(str(grantee)),
            is_partial=not viewer.sees_all,
            cl=listed,
            count=len({key for key, _scope in keys}),
            scope=_scope_in(request),
            lines=shown,
            may_take=any(line.may_take for line in shown),
            adminform=None if form is None else as_fieldset(form, self),
            errors=() if form is None else form.errors,
            media=self.media if form is None else form.media,
            alive=alive,
            partner_kind=partner_kind(kind),
            partners=found,
            is_more=is_more,
            query=term_of(request),
            together=pair,
            overrides=overrides_of(kind, grantee, site, request) if viewer.sees_all else (),
            own_url=change_url(site, grantee, request),
            client_url=client_url(site, grantee.pk)
            if kind == "client" and may_see(site, request, Client)
            else "",
            explain_url=explain_url(site, request, kind, grantee),
            page_url=url,
            may_offboard=kind == "user" and grants.may_give_any(viewer.user),
        )


def _scope_in(request: HttpRequest) -> str:
    """Return the part of a scope's name that is searched for."""
    return request.GET.get("scope", "").strip()
