"""Finds grantees by name, for managers who may not view users, groups or clients."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from django.contrib.admin.options import ModelAdmin
from django.contrib.admin.sites import AdminSite
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.db import models
from django.db.models import Q
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from api_guard import grants
from api_guard.admin.keys import KeyedSelect
from api_guard.models import GRANTEES, ScopeGrant

# So that nobody can list all users letter by letter.
LEAST_LETTERS = 2
MOST_WORDS = 8
ANY_KIND = "grantees"
_PAGE = 20
KINDS = {
    "user": gettext_lazy("user"),
    "group": gettext_lazy("group"),
    "client": gettext_lazy("client"),
}
_MANY = {
    "user": gettext_lazy("Users"),
    "group": gettext_lazy("Groups"),
    "client": gettext_lazy("Clients"),
}


class GranteeSelect(KeyedSelect):
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


def model_of(kind: str) -> Any:
    """Return the model of users, groups or clients."""
    return ScopeGrant._meta.get_field(kind).related_model


def find_grantees(model_admin: ModelAdmin[Any], request: HttpRequest) -> JsonResponse:
    """Return the grantees whose name contains the search term, of one kind or of all kinds."""
    if not (model_admin.has_add_permission(request) or model_admin.has_change_permission(request)):
        raise PermissionDenied
    kind, term = request.GET.get("field_name", ""), request.GET.get("term", "").strip()
    kinds = GRANTEES if kind == ANY_KIND else (kind,) if kind in GRANTEES else ()
    results: list[dict[str, Any]] = []
    page, is_more = _page_of(request), False
    for each in kinds if len(term) >= LEAST_LETTERS and "\x00" not in term else ():
        start = (page - 1) * _PAGE
        found = list(named(each, term)[start : start + _PAGE + 1])
        is_more = is_more or len(found) > _PAGE
        prefix = f"{each}:" if kind == ANY_KIND else ""
        rows = [{"id": f"{prefix}{row.pk}", "text": shown_name(row)} for row in found[:_PAGE]]
        if rows:
            results += [{"text": str(_MANY[each]), "children": rows}] if prefix else rows
    return JsonResponse({"results": results, "pagination": {"more": is_more}})


def display_name(grantee: models.Model) -> str:
    """Return the name of a user, a group or a client, to show to a person."""
    full: Any = getattr(grantee, "get_full_name", None)
    name = str(full()).strip() if callable(full) else ""
    if not name or getattr(grantee, "USERNAME_FIELD", "") == "email":
        return name or str(grantee)
    return f"{name} ({grantee})"


def named(kind: str, term: str) -> models.QuerySet[Any]:
    """Return the users, groups or clients whose name contains each word of a term.

    A client_id or an e-mail address has to match as a whole: names are shown, these are not.
    """
    model = model_of(kind)
    columns = [name for name in _columns(model, kind) if has_column(model, name)]
    whole = [name for name in _whole(model, kind) if has_column(model, name)]
    rows: models.QuerySet[Any] = model._default_manager.using(grants.database())
    return rows.filter(
        *(
            reduce(
                or_,
                (
                    *(Q(**{f"{name}__icontains": word}) for name in columns),
                    *(Q(**{f"{name}__iexact": word}) for name in whole),
                ),
            )
            for word in term.split()[:MOST_WORDS]
        )
    ).order_by(columns[0], "pk")


def shown_name(grantee: Any) -> str:
    """Return the name, and whether it is everyone or inactive."""
    name = display_name(grantee)
    if grants.is_everyone(grantee):
        return _("%(name)s (every active user)") % {"name": name}
    if getattr(grantee, "is_active", True) is not True:
        return _("%(name)s (inactive)") % {"name": name}
    return name


def _columns(model: Any, kind: str) -> tuple[str, ...]:
    return (model.USERNAME_FIELD, "first_name", "last_name") if kind == "user" else ("name",)


def _whole(model: Any, kind: str) -> tuple[str, ...]:
    mail = getattr(model, "get_email_field_name", lambda: "email")
    return {"user": (mail(),), "client": ("client_id",)}.get(kind, ())


def has_column(model: type[models.Model], name: str) -> bool:
    """Whether a model has a field."""
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
