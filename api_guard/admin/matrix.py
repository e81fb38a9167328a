"""The matrix: who holds which scopes of one group, a page at a time; each cell says how."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from api_guard import conf, grants
from api_guard.admin.finding import Found, as_found, matching
from api_guard.admin.holders import holders
from api_guard.admin.pages import SEARCHED_NAMES, Choices, Listed, Noun, PageAdmin, term_of
from api_guard.admin.viewing import Viewer, access_url, may_see, scope_url, viewer_of
from api_guard.grants.across import held_across
from api_guard.models import Access, Matrix, Scope

_KINDS = (("user", _("users")), ("group", _("groups")), ("client", _("clients")))
_COLUMNS = 10
_ROWS = 25
# Of many ways to hold one scope, so many are shown.
_WAYS = 3
_NO_GROUP = "-"
_NOUN = Noun(_("grantee"), _("grantees"))


@dataclass(frozen=True)
class Cell:
    """What a grantee holds of one scope. `url` leads to where it is given or taken."""

    scope: str
    ways: tuple[grants.Holding, ...]
    more: int
    url: str


@dataclass(frozen=True)
class Line:
    """A grantee with its cells."""

    found: Found
    url: str
    cells: tuple[Cell, ...]


@admin.register(Matrix)
class MatrixAdmin(PageAdmin):
    """Seen with `view_matrix`; who may only give some scopes sees only these."""

    is_for_managers = True
    search_help_text = SEARCHED_NAMES

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show a page of grantees and a page of scopes."""
        del extra_context
        if not self.has_view_permission(request):
            raise PermissionDenied
        viewer, term = viewer_of(request), term_of(request)
        seen = _seen(request, viewer)
        kind = Choices.of(request, _("kind"), "kind", _KINDS)
        group = Choices.of(request, _("group of scopes"), "group", _groups(seen))
        columns = _columns(request, [name for name, each in seen.items() if each == group.chosen])
        scopes = list(columns.object_list)
        is_all = bool(term) or not scopes
        rows = matching(kind.chosen, term, by_mail=viewer.sees_all)
        if not is_all:
            # The groups that give are read below.
            rows = holders(scopes, kind.chosen, "", by_mail=False).prefetch_related(None)
        listed = Listed(self, request, rows if scopes else [], [kind, group], per_page=_ROWS)
        terms = conf.scope_terms()
        sees_scopes = may_see(self.admin_site, request, Scope)
        return self.show(
            request,
            "matrix.html",
            _("Matrix of scopes"),
            cl=listed,
            counted=listed.called(_NOUN),
            lines=list(self._lines(request, viewer, kind.chosen, listed.result_list, scopes)),
            heads=[
                (name, terms[name], scope_url(self.admin_site, name) if sees_scopes else "")
                for name in scopes
            ],
            columns=columns,
            pages=[
                (number, listed.get_query_string({"columns": number}))
                for number in columns.paginator.page_range
            ],
            scope=_part(request),
            is_all=is_all,
        )

    def _lines(
        self,
        request: HttpRequest,
        viewer: Viewer,
        kind: str,
        rows: Sequence[Any],
        scopes: Sequence[str],
    ) -> Iterator[Line]:
        held = held_across(kind, rows, scopes) if rows else {}
        site = self.admin_site
        is_linked = may_see(site, request, Access)
        for row in rows:
            cells, url = held.get(row.pk, {}), access_url(site, kind, row.pk) if is_linked else ""
            yield Line(
                as_found(kind, row, by_mail=viewer.sees_all),
                url,
                tuple(_cell(scope, cells.get(scope, ()), url, viewer) for scope in scopes),
            )


def _cell(scope: str, ways: tuple[grants.Holding, ...], url: str, viewer: Viewer) -> Cell:
    # First what can be taken here.
    shown = sorted(ways, key=lambda each: (not each.is_own, each.through == "everyone"))
    if url and ways:
        url = f"{url}?{urlencode({'scope': scope})}" if viewer.sees(scope) else ""
    elif url:
        url = f"{url}?{urlencode({'scopes': scope})}#give" if viewer.may_give(scope) else ""
    return Cell(scope, tuple(shown[:_WAYS]), max(len(ways) - _WAYS, 0), url)


def _seen(request: HttpRequest, viewer: Viewer) -> dict[str, str]:
    """Return the scopes that the viewer may see, each with its group."""
    user: Any = request.user
    sees_all = user.has_perm("api_guard.view_matrix")
    return {
        name: terms.group or _NO_GROUP
        for name, terms in conf.scope_terms().items()
        if sees_all or viewer.may_give(name)
    }


def _groups(seen: dict[str, str]) -> list[tuple[str, Any]]:
    names = sorted(set(seen.values()) - {_NO_GROUP})
    found: list[tuple[str, Any]] = [(name, name) for name in names]
    if _NO_GROUP in seen.values() or not names:
        found.append((_NO_GROUP, _("without a group")))
    return found


def _columns(request: HttpRequest, scopes: list[str]) -> Page[str]:
    """Return a page of the scopes whose name contains what is asked for."""
    part = _part(request)
    paginator = Paginator([name for name in scopes if part in name.lower()], _COLUMNS)
    return paginator.get_page(request.GET.get("columns"))


def _part(request: HttpRequest) -> str:
    return request.GET.get("scope", "").strip().lower()[:200]
