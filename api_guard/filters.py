"""Search and ordering by clients: only by declared fields, and with limits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from rest_framework import filters
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from api_guard.exceptions import GuardError

MAX_TERMS = 10
MAX_LENGTH = 200
_PATTERNS = ("regex", "iregex")


class SearchFilter(filters.SearchFilter):
    """DRF's filter, limited to `max_terms` terms and `max_length` characters, without patterns.

    A search field that uses a client's text as a regular expression raises GuardError.
    """

    max_terms = MAX_TERMS
    max_length = MAX_LENGTH
    lookup_prefixes = {
        prefix: lookup
        for prefix, lookup in filters.SearchFilter.lookup_prefixes.items()
        if lookup not in _PATTERNS
    }

    def get_search_terms(self, request: Request) -> list[str]:
        """Return the terms. Raises ValidationError."""
        if len(request.query_params.get(self.search_param, "")) > self.max_length:
            raise _refused(
                self.search_param, _("Search for at most {most} characters."), self.max_length
            )
        terms: list[str] = super().get_search_terms(request)
        if len(terms) > self.max_terms:
            raise _refused(self.search_param, _("Search for at most {most} terms."), self.max_terms)
        return terms

    def construct_search(self, field_name: str, queryset: QuerySet[Any]) -> str:
        """Return the lookup of one search field. Raises GuardError."""
        if field_name.startswith("$") or field_name.rpartition("__")[2] in _PATTERNS:
            raise GuardError(
                f"search_fields: {field_name!r} would run the text of a client as a regular "
                "expression, "
                f"which may never end. Write {field_name.lstrip('$').split('__')[0]!r}."
            )
        return str(super().construct_search(field_name, queryset))


class OrderingFilter(filters.OrderingFilter):
    """DRF's filter, only for the fields in `ordering_fields`. Any other field is a 400."""

    max_terms = MAX_TERMS

    def get_valid_fields(
        self, queryset: QuerySet[Any], view: Any, context: Any = None
    ) -> list[tuple[str, str]]:
        """Return the declared fields; an empty list if there are none, and for "__all__"."""
        declared = getattr(view, "ordering_fields", self.ordering_fields)
        if declared is None or declared == "__all__":
            return []
        return list(super().get_valid_fields(queryset, view, context or {}))

    def remove_invalid_fields(
        self, queryset: QuerySet[Any], fields: Iterable[str], view: Any, request: Request
    ) -> list[str]:
        """Return `fields` unchanged. Raises ValidationError if one is not declared."""
        asked = list(fields)
        valid = list(super().remove_invalid_fields(queryset, asked, view, request))
        if len(asked) > self.max_terms or len(valid) != len(asked):
            known = [name for name, _label in self.get_valid_fields(queryset, view)]
            raise _refused(self.ordering_param, _("Order by one of: {most}."), ", ".join(known))
        return valid


def _refused(parameter: str, message: Any, most: object) -> ValidationError:
    return ValidationError({parameter: [str(message).format(most=most)]})
