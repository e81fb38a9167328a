"""The pages of scopes: all that are declared, and who holds one and which endpoints require it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from api_guard import conf, explain, grants
from api_guard.admin.holders import SHOWN, holders, lines_of
from api_guard.admin.pages import Choices, Listed, Noun, PageAdmin, term_of
from api_guard.admin.viewing import scope_url, viewer_of
from api_guard.core.scopes import ScopeTerms
from api_guard.models import Scope

_HOLDERS = Noun(_("holder"), _("holders"))


@admin.register(Scope)
class ScopeAdmin(PageAdmin):
    """Seen with `view_scope`; who may only give some scopes sees only these."""

    is_for_managers = True
    search_help_text = _("Words of the name or of the description.")

    def get_urls(self) -> list[URLPattern]:
        """Add the page of one scope."""
        view = self.admin_site.admin_view(self.scope_view)
        return [*super().get_urls(), path("<str:key>/", view, name="api_guard_scope")]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """List the declared scopes."""
        del extra_context
        if not self.has_view_permission(request):
            raise PermissionDenied
        declared = conf.scope_terms().items()
        seen = {name: terms for name, terms in declared if self._sees(request, name)}
        groups = [(name, name) for name in sorted({terms.group for terms in seen.values()} - {""})]
        filters = [Choices.of(request, _("group"), "group", [("", _("all")), *groups])]
        filters = filters if groups else []
        asked = term_of(request).lower().split()
        required = Counter(name for each in explain.requirements() for name in each.scopes)
        rows = [
            (name, terms, required[name], scope_url(self.admin_site, name))
            for name, terms in seen.items()
            if _matches(name, terms, asked)
            and all(each.chosen in ("", terms.group) for each in filters)
        ]
        listed = Listed(self, request, rows, filters, per_page=100)
        return self.show(request, "scopes.html", _("Scopes"), cl=listed, is_declared=bool(seen))

    def scope_view(self, request: HttpRequest, key: str) -> HttpResponse:
        """Show one scope."""
        name = unquote(key)
        if not self.has_view_permission(request) or not self._sees(request, name):
            raise PermissionDenied
        terms = conf.scope_terms().get(name)
        if terms is None:
            raise Http404(f"{name!r} is not declared.")
        shown = Choices.of(request, _("held by"), "held", SHOWN)
        everyone = conf.everyone_group()
        by_mail = viewer_of(request).sees_all
        rows = holders([name], shown.chosen, term_of(request), by_mail=by_mail)
        listed = Listed(self, request, rows, [shown], noun=_HOLDERS)
        return self.show(
            request,
            "scope.html",
            name,
            original=name,
            subtitle=terms.description,
            terms=terms,
            cl=listed,
            lines=lines_of(
                self.admin_site, name, shown.chosen, listed.result_list, by_mail=by_mail
            ),
            shown=list(shown.choices(listed)),
            is_for_everyone=everyone is not None
            and not terms.is_sensitive
            and grants.rows_of_scope(name, "group").filter(group__name=everyone).exists(),
            everyone=everyone,
            required=[each.row for each in explain.requirements() if name in each.scopes],
        )

    def _sees(self, request: HttpRequest, name: str) -> bool:
        user: Any = request.user
        return viewer_of(request).may_give(name) or user.has_perm("api_guard.view_scope")


def _matches(name: str, terms: ScopeTerms, words: list[str]) -> bool:
    text = f"{name} {terms.description} {terms.group}".lower()
    return all(word in text for word in words)
