"""What the pages of the admin without a table have in common, and their lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import AdminForm
from django.contrib.admin.views.main import PAGE_VAR, SEARCH_VAR
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from api_guard.admin.lists import CountedSoFar
from api_guard.admin.sheets import sheets
from api_guard.admin.viewing import viewer_of


@dataclass(frozen=True)
class Noun:
    """What the rows of a list are called, one and several."""

    verbose_name: Any
    verbose_name_plural: Any


@dataclass(frozen=True)
class Choices:
    """A filter of a list: a parameter of the URL and its values. The first one is the default."""

    title: Any
    parameter_name: str
    values: Sequence[tuple[str, Any]]
    chosen: str
    template: str = "admin/filter.html"

    @classmethod
    def of(
        cls, request: HttpRequest, title: Any, name: str, values: Sequence[tuple[str, Any]]
    ) -> Choices:
        """Return the filter with the value in the URL. An unknown value is the default."""
        said = request.GET.get(name, "")
        known = said in dict(values)
        return cls(title, name, values, said if known else values[0][0])

    def choices(self, listed: Listed) -> Iterator[dict[str, Any]]:
        """Yield the links that choose a value, for the template of Django's filters."""
        for value, label in self.values:
            yield {
                "selected": value == self.chosen,
                "query_string": listed.get_query_string({self.parameter_name: value or None}),
                "display": label,
            }


class Listed:
    """Rows without a model's list. For the templates of the admin it looks like a ChangeList."""

    formset = date_hierarchy = None
    is_popup = show_all = can_show_all = add_facets = is_facets_optional = False
    show_admin_actions = show_full_result_count = False

    def __init__(
        self,
        model_admin: Any,
        request: HttpRequest,
        rows: QuerySet[Any] | Sequence[Any],
        filters: Iterable[Choices] = (),
        per_page: int = 50,
        noun: Noun | None = None,
    ) -> None:
        paginator = CountedSoFar if isinstance(rows, QuerySet) else Paginator
        self.model_admin, self.model = model_admin, model_admin.model
        self.opts = noun or model_admin.opts
        self.search_fields = (SEARCH_VAR,)
        self.search_help_text = model_admin.search_help_text
        self.params = {name: said for name, said in request.GET.items() if name != PAGE_VAR}
        # Not `params.items`: a template would read the parameter of that name.
        self.pairs = list(self.params.items())
        self.query = term_of(request)
        self.filter_specs = list(filters)
        self.has_filters = bool(self.filter_specs)
        names = {each.parameter_name for each in self.filter_specs}
        self.has_active_filters = bool(names & self.params.keys())
        self.clear_all_filters_qs = self.get_query_string(dict.fromkeys(names))
        self.paginator: Any = paginator(rows, per_page)
        page = self.paginator.get_page(request.GET.get(PAGE_VAR))
        self.page_num = page.number
        self.result_list = list(page.object_list)
        self.result_count = self.paginator.count
        self.multi_page = self.result_count > per_page
        # Django says the number of results beside the search, if it is not that of all rows.
        self.full_result_count = None if self.query else self.result_count

    def called(self, noun: Noun) -> Listed:
        """Return the same list with another name for its rows, for the line with their number."""
        other = copy(self)
        other.opts = noun
        return other

    def get_query_string(self, new: Mapping[str, Any] | None = None) -> str:
        """Return the query of the URL with other values; None removes one."""
        said = {**self.params, **(new or {})}
        return "?" + urlencode({name: str(v) for name, v in said.items() if v is not None})


def term_of(request: HttpRequest) -> str:
    """Return what is searched for. No database takes a null character."""
    return request.GET.get(SEARCH_VAR, "").replace("\x00", "").strip()[:200]


class PageAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs alone
    """A page that the sidebar lists. It is seen with the view permission of its own model."""

    # Whether everybody who may give a scope sees it too.
    is_for_managers = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody: there are no rows."""
        del request
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: there are no rows."""
        del request, obj
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: there are no rows."""
        del request, obj
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether this user has the permission, or may give a scope where that is enough."""
        if super().has_view_permission(request, obj):
            return True
        viewer = viewer_of(request) if self.is_for_managers else None
        return viewer is not None and bool(viewer.gives or viewer.gives_all)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the app is listed for this user."""
        return self.has_view_permission(request)

    def get_urls(self) -> list[URLPattern]:
        """Return the page, without the pages of rows."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_changelist"
        return [path("", self.admin_site.admin_view(self.changelist_view), name=name)]

    def show(
        self, request: HttpRequest, template: str, title: Any, **context: Any
    ) -> TemplateResponse:
        """Return a page. `media` is added to that of all pages."""
        return show_page(self, request, template, title, context)


def show_page(
    model_admin: Any, request: HttpRequest, template: str, title: Any, context: dict[str, Any]
) -> TemplateResponse:
    """Return a page of this admin. `media` is added to that of all pages."""
    request.current_app = model_admin.admin_site.name  # for {% url %}
    found = {
        **model_admin.admin_site.each_context(request),
        "title": title,
        "opts": model_admin.opts,
        "site": model_admin.admin_site,
        "has_view_permission": True,
        # Without it, Django writes a style into the page, which its policy may forbid.
        "actions_on_top": True,
        **context,
        "media": context.get("media", forms.Media())
        + sheets("api_guard/admin.css", js=["api_guard/admin.js"]),
    }
    return TemplateResponse(request, f"admin/api_guard/{template}", found)


def as_fieldset(form: forms.Form, model_admin: Any) -> AdminForm:
    """Return a form for the admin's own template of fields."""
    plain: Any = form
    return AdminForm(plain, [(None, {"fields": list(form.fields)})], {}, model_admin=model_admin)


SEARCHED_NAMES = _("Two letters or more of a name, or a client id.")
