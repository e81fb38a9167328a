"""Finds grantees by name, for managers who may not view users, groups or clients."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from django.contrib.admin.options import ModelAdmin
from django.contrib.admin.sites import AdminSite
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.db import models
from django.db.models import Q
from django.http import HttpRequest, JsonResponse
from django.urls import reverse

from api_guard import grants
from api_guard.models import GRANTEES, ScopeGrant

# So that nobody can list all users letter by letter.
LEAST_LETTERS = 2
_PAGE = 20


class GranteeSelect(AutocompleteSelect):
    """A select that asks `find_grantees`."""

    def __init__(self, kind: str, admin_site: AdminSite) -> None:
        field: Any = ScopeGrant._meta.get_field(kind)
        super().__init__(
            field,
            admin_site,
            # Django's own width depends on the chosen value, and nothing is chosen yet.
            attrs={"data-minimum-input-length": LEAST_LETTERS},
            using=grants.database(),
        )

    def get_url(self) -> str:
        """Return the URL of `find_grantees`."""
        return reverse(f"{self.admin_site.name}:api_guard_scopegrant_grantees")


def find_grantees(model_admin: ModelAdmin[Any], request: HttpRequest) -> JsonResponse:
    """Return the users, groups or clients whose name contains the search term."""
    if not (model_admin.has_add_permission(request) or model_admin.has_change_permission(request)):
        raise PermissionDenied
    kind, term = request.GET.get("field_name", ""), request.GET.get("term", "").strip()
    found: list[models.Model] = []
    page = _page_of(request)
    if kind in GRANTEES and len(term) >= LEAST_LETTERS and "\x00" not in term:
        start = (page - 1) * _PAGE
        found = list(_named(kind, term)[start : start + _PAGE + 1])
    results = [{"id": str(row.pk), "text": display_name(row)} for row in found[:_PAGE]]
    return JsonResponse({"results": results, "pagination": {"more": len(found) > _PAGE}})


def display_name(grantee: models.Model) -> str:
    """Return the name of a user, a group or a client, to show to a person."""
    full: Any = getattr(grantee, "get_full_name", None)
    name = str(full()).strip() if callable(full) else ""
    if not name or getattr(grantee, "USERNAME_FIELD", "") == "email":
        return name or str(grantee)
    return f"{name} ({grantee})"


def _named(kind: str, term: str) -> models.QuerySet[Any]:
    field: Any = ScopeGrant._meta.get_field(kind)
    model: Any = field.related_model
    columns = [name for name in _columns(model, kind) if _has(model, name)]
    rows: models.QuerySet[Any] = model._default_manager.using(grants.database())
    return rows.filter(
        *(
            reduce(or_, (Q(**{f"{name}__icontains": word}) for name in columns))
            for word in term.split()
        )
    ).order_by(columns[0], "pk")


def _columns(model: Any, kind: str) -> tuple[str, ...]:
    return (model.USERNAME_FIELD, "first_name", "last_name") if kind == "user" else ("name",)


def _has(model: type[models.Model], name: str) -> bool:
    try:
        model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return True


def _page_of(request: HttpRequest) -> int:
    said = request.GET.get("page", "")
    return (
        max(1, min(int(said), 1000)) if said.isascii() and said.isdigit() and len(said) < 9 else 1
    )
