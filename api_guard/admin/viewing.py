"""What a person in the admin may see, give and take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

from django.contrib.admin.sites import AdminSite
from django.contrib.admin.utils import quote
from django.db import models
from django.http import HttpRequest
from django.urls import reverse

from api_guard.admin.managers import authority_of
from api_guard.core.scopes import EVERY_SCOPE
from api_guard.grants import Holding
from api_guard.models import Access, Client, Explanation, Scope

_KEPT = "_api_guard_viewer"


@dataclass(frozen=True)
class Viewer:
    """The user of a request. `gives` are the declared scopes that it may give and take.

    With `gives_all`, these are also scopes that are not declared any more.
    """

    user: models.Model
    sees_all: bool
    gives: frozenset[str]
    gives_all: bool

    def sees(self, scope: str) -> bool:
        """Whether it may know who holds a scope."""
        return self.sees_all or self.may_give(scope)

    def may_give(self, scope: str) -> bool:
        """Whether it may give and take a scope."""
        return self.gives_all or scope in self.gives

    def may_take(self, holding: Holding) -> bool:
        """Whether it may take what a grantee holds: only a grant of the grantee's own."""
        return holding.is_own and self.may_give(holding.row.scope)


def viewer_of(request: HttpRequest) -> Viewer:
    """Return the viewer. It is found once for each request, because the sidebar asks too."""
    found: Viewer | None = getattr(request, _KEPT, None)
    if found is None:
        user: Any = request.user
        authority = authority_of(request)
        found = Viewer(
            cast("models.Model", user),
            user.has_perm("api_guard.view_access"),
            frozenset(authority.scopes()),
            authority.is_over(EVERY_SCOPE),
        )
        setattr(request, _KEPT, found)
    return found


def may_see(site: AdminSite, request: HttpRequest, model: type[models.Model]) -> bool:
    """Whether a site has the page of a model, and the viewer may see it."""
    pages = site._registry.get(model)
    return pages is not None and pages.has_view_permission(request)


def access_url(site: AdminSite, kind: str, key: Any) -> str:
    """Return the address of the access page of a grantee; "" if the site has no such pages."""
    if Access not in site._registry:
        return ""
    return reverse(f"{site.name}:api_guard_access", args=(kind, quote(key)))


def scope_url(site: AdminSite, scope: str) -> str:
    """Return the address of the page of a scope; "" if the site has no such pages."""
    if Scope not in site._registry:
        return ""
    return reverse(f"{site.name}:api_guard_scope", args=(quote(scope),))


def client_url(site: AdminSite, key: Any = None) -> str:
    """Return the address of the page of a client, or of all clients; "" if there are none."""
    if Client not in site._registry:
        return ""
    if key is None:
        return reverse(f"{site.name}:api_guard_client_changelist")
    return reverse(f"{site.name}:api_guard_client", args=(quote(key),))


def explain_url(site: AdminSite, request: HttpRequest, kind: str, grantee: Any) -> str:
    """Return the address that explains a request of a user or a client; "" for who may not see it.

    It tells the login name, which may be an e-mail address.
    """
    if not may_see(site, request, Explanation):
        return ""
    if kind == "client":
        asked = {"client": grantee.client_id}
    elif kind == "user" and viewer_of(request).sees_all:
        asked = {"user": grantee.get_username()}
    else:
        return ""
    page = reverse(f"{site.name}:api_guard_explanation_changelist")
    return f"{page}?{urlencode(asked)}"


def change_url(site: AdminSite, row: models.Model, request: HttpRequest) -> str:
    """Return the address of a row's own page; "" if the viewer may not see it."""
    model_admin = site._registry.get(type(row))
    if model_admin is None or not model_admin.has_view_or_change_permission(request, row):
        return ""
    opts = row._meta
    name = f"{site.name}:{opts.app_label}_{opts.model_name}_change"
    return reverse(name, args=(quote(row.pk),))
