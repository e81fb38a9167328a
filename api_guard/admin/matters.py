"""What needs attention, as small numbers that lead to the lists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib.admin.sites import AdminSite
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import ngettext

from api_guard.admin.lists import MOST_ROWS
from api_guard.grants import Attention
from api_guard.models import ScopeGrant


@dataclass(frozen=True)
class Matter:
    """A number, what it counts, and the list that shows it; "" if the viewer may not see that."""

    count: int
    said: str
    url: str
    is_urgent: bool
    is_least: bool = False

    @property
    def is_capped(self) -> bool:
        """Whether there may be more."""
        return self.is_least or self.count >= MOST_ROWS


def list_of(site: AdminSite, model: type[models.Model], request: HttpRequest, query: str) -> str:
    """Return the address of a list; "" if the site has none, or the viewer may not see it."""
    model_admin = site._registry.get(model)
    if model_admin is None or not model_admin.has_view_permission(request):
        return ""
    opts = model._meta
    return reverse(f"{site.name}:{opts.app_label}_{opts.model_name}_changelist") + query


def findings(site: AdminSite, request: HttpRequest, found: Attention) -> Iterator[Matter]:
    """Yield the grants that end soon, that nobody uses, and that have no effect."""

    def listed(query: str) -> str:
        return list_of(site, ScopeGrant, request, query)

    count = found.expiring
    said = ngettext("grant expires within 7 days", "grants expire within 7 days", count)
    yield Matter(count, said, listed("?state=week"), False)
    count = found.unused or 0
    said = ngettext("grant was not used for 90 days", "grants were not used for 90 days", count)
    yield Matter(count, said, listed("?use=unused"), False, found.is_least)
    count = found.inactive
    said = ngettext(
        "grant is without effect: its user is inactive",
        "grants are without effect: their users are inactive",
        count,
    )
    yield Matter(count, said, listed("?state=inactive"), False)
    count = found.undeclared
    said = ngettext(
        "grant is without effect: its scope is not declared",
        "grants are without effect: their scopes are not declared",
        count,
    )
    yield Matter(count, said, listed("?state=undeclared"), False)
