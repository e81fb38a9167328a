"""Lists whose cost does not grow with the table: in the order of an index, and counted so far."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.core.paginator import Paginator
from django.db import connections, router
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.text import smart_split, unescape_string_literal
from django.utils.translation import gettext_lazy as _

from api_guard.models import GRANTEES, ScopeGrant

# Rows that a list leads to, at most: to count them all is to read the table.
MOST_ROWS = 1000


class CountedSoFar(Paginator):  # type: ignore[type-arg]  # generic in the stubs alone
    """Counts no further than `MOST_ROWS`."""

    @cached_property
    def count(self) -> int:
        """How many rows there are, `MOST_ROWS` where there are more."""
        rows: Any = self.object_list
        return int(rows[:MOST_ROWS].count())

    def page(self, number: int | str) -> Any:
        """Return a page, on MySQL and MariaDB one whose rows are found by their keys.

        The keys stand in the index; for whole rows these two would sort the table.
        """
        page: Any = super().page(number)
        rows: Any = self.object_list
        if _sorts_rows(rows.db):
            keys = list(page.object_list.values_list("pk", flat=True))
            page.object_list = rows.filter(pk__in=keys)
        return page


class InOrder(ChangeList):
    """A list in its own order: any other would sort the whole table."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Return the order of the admin, whatever the URL asks for."""
        self.params.pop(ORDER_VAR, None)
        return super().get_ordering(request, queryset)


class IndexedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs alone
    """Shows the first rows of an order that an index has; a search or a filter leads to others.

    Whoever searches names a row's scope, rate or subject in full, or its grantee: a user by the
    name with which it signs in, a group by its name, a client by its name or its client_id. Of
    several words all must be met; quotes keep words together.
    """

    paginator = CountedSoFar
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the class of the list."""
        del request, kwargs
        return InOrder

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Say where there are more rows than the list leads to."""
        response: Any = super().changelist_view(request, extra_context)
        found = getattr(response, "context_data", None) or {}
        if "cl" in found and found["cl"].result_count >= MOST_ROWS:
            said = _("The first %(count)d. Search or filter for others.") % {"count": MOST_ROWS}
            found["subtitle"] = found.get("subtitle") or said
        return response

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Keep the rows that each word names by an index."""
        del request
        for word in smart_split(search_term):
            if word.startswith(("'", '"')) and word[0] == word[-1]:
                word = unescape_string_literal(word)
            queryset = queryset.filter(self._named(word))
        return queryset, False

    def _named(self, word: str) -> Q:
        found = Q()
        for name, keys in grantees_named(word, {field.name for field in self.opts.fields}).items():
            found |= Q(**{f"{name}__in": keys})
        # What is a grantee's name is not looked for among the others: an OR over both is slow.
        return found or Q(**{self.search_fields[0]: word})


def _sorts_rows(using: str) -> bool:
    return connections[using].vendor == "mysql"


def grantees_named(word: str, kinds: Collection[str] = GRANTEES) -> dict[str, list[Any]]:
    """Return the primary keys of the users, the groups and the clients of a name, of some kinds."""
    found: dict[str, list[Any]] = {}
    for name in GRANTEES:
        field: Any = ScopeGrant._meta.get_field(name)
        model: Any = field.related_model
        is_named = Q(**{getattr(model, "USERNAME_FIELD", "name"): word})
        rows = model._default_manager.filter(
            is_named | Q(client_id=word) if name == "client" else is_named
        )
        using = router.db_for_write(ScopeGrant)
        keys = rows.using(using).order_by().values_list("pk", flat=True)[:MOST_ROWS]
        if name in kinds and (pks := list(keys)):
            found[name] = pks
    return found
