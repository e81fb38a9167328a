"""Lists whose cost does not grow with the table: sorted by an index, counted up to a limit."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.core.paginator import Paginator
from django.db import connections
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.text import smart_split, unescape_string_literal
from django.utils.translation import gettext_lazy as _

from api_guard import conf, grants
from api_guard.admin.grantees import LEAST_LETTERS, model_of, named
from api_guard.models import GRANTEES

# A list shows at most this many rows, because counting all rows reads the whole table.
MOST_ROWS = 1000


class CountedSoFar(Paginator):  # type: ignore[type-arg]  # generic in the stubs alone
    """Counts up to `MOST_ROWS` rows."""

    @cached_property
    def count(self) -> int:
        """The number of rows, or `MOST_ROWS` if there are more."""
        rows: Any = self.object_list
        return int(rows[:MOST_ROWS].count())

    def page(self, number: int | str) -> Any:
        """Return a page. On MySQL and MariaDB, find its rows by their keys.

        The index contains the keys. With whole rows, both databases would sort the table.
        """
        page: Any = super().page(number)
        rows: Any = self.object_list
        if _sorts_rows(rows.db):
            keys = list(page.object_list.values_list("pk", flat=True))
            page.object_list = rows.filter(pk__in=keys)
        return page


class InOrder(ChangeList):
    """A list with a fixed order: any other order would sort the whole table."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Return the order of the admin, and ignore the order in the URL."""
        self.params.pop(ORDER_VAR, None)
        return super().get_ordering(request, queryset)


class IndexedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs alone
    """Shows the first rows in the order of an index. Search or filter to see other rows.

    A search matches the scope, rate or subject of a row, or its grantee: a user by its names or its
    e-mail address, a group by its name, a client by its name or client_id. What matches in full
    comes first. In lists of scopes, a part of a name is enough if nothing does. A row must match
    all words. Quotes keep words together.
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
        """Add a note if there are more rows than the list shows."""
        response: Any = super().changelist_view(request, extra_context)
        found = getattr(response, "context_data", None) or {}
        if "cl" in found and found["cl"].result_count >= MOST_ROWS:
            said = _("The first %(count)d. Search or filter to see others.") % {"count": MOST_ROWS}
            found["subtitle"] = found.get("subtitle") or said
            # An action may take them all.
            name = _("%(name)s, and all others that match") % {"name": found["module_name"]}
            found |= {"module_name": name, "selection_note_all": _("All that match are selected")}
        return response

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Keep the rows that match each word. Every query uses an index."""
        del request
        for word in smart_split(search_term):
            if word.startswith(("'", '"')) and word[0] == word[-1]:
                word = unescape_string_literal(word)
            queryset = queryset.filter(self._named(word))
        return queryset, False

    def _named(self, word: str) -> Q:
        kinds = {field.name for field in self.opts.fields}
        own = next(iter(self.search_fields), "")
        # A grantee's name is not also searched in the other column: an OR over both is slow.
        found = grantees_named(word, kinds)
        # A part of a name is enough where nothing but a declared scope could be meant instead.
        if not found and own == "scope" and word not in self._known_with(word):
            found = grantees_named(word, kinds, is_part=True)
        if not found and not own:
            return Q(pk__in=())
        if not found:
            return Q(**{f"{own}__in": self._known_with(word) or [word]})
        named = Q()
        for name, keys in found.items():
            named |= Q(**{f"{name}__in": keys})
        return named

    def _known_with(self, word: str) -> list[str]:
        """Return the declared scopes that contain a word, if the rows have scopes."""
        names = conf.grantable() if "scope" in self.search_fields else ()
        if word in names or len(word) < LEAST_LETTERS:
            return [word]
        return [name for name in names if word in name]


def _sorts_rows(using: str) -> bool:
    return connections[using].vendor == "mysql"


def grantees_named(
    word: str, kinds: Collection[str] = GRANTEES, *, is_part: bool = False
) -> dict[str, list[Any]]:
    """Return the primary keys of the users, groups and clients with a name, by kind.

    With `is_part`, the names may contain more than the word.
    """
    found: dict[str, list[Any]] = {}
    for name in GRANTEES:
        model = model_of(name)
        is_named = Q(**{getattr(model, "USERNAME_FIELD", "name"): word})
        rows = model._default_manager.using(grants.database()).filter(
            is_named | Q(client_id=word) if name == "client" else is_named
        )
        keys = (named(name, word) if is_part else rows).order_by().values_list("pk", flat=True)
        if name in kinds and (pks := list(keys[:MOST_ROWS])):
            found[name] = pks
    return found
