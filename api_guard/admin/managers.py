"""What a user of the admin may see and give, read once for each request."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.sites import AdminSite
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from api_guard import grants
from api_guard.core.scopes import EVERY_SCOPE
from api_guard.grants import Authority
from api_guard.models import ScopeGrant

_KEPT = "_api_guard_authority"


def person_of(request: HttpRequest) -> models.Model:
    """Return the user, who is signed in."""
    return cast("models.Model", request.user)


def authority_of(request: HttpRequest) -> Authority:
    """Return the authority of the user. It is kept, because the sidebar asks for it too."""
    found: Authority | None = getattr(request, _KEPT, None)
    if found is None:
        found = Authority.of(person_of(request))
        setattr(request, _KEPT, found)
    return found


def manages(request: HttpRequest) -> bool:
    """Whether the user may give any scope. Nothing else is needed for the pages of grants."""
    authority = authority_of(request)
    return authority.gives_any or bool(authority.groups)


def grant_url(site: AdminSite, name: str, *args: Any) -> str:
    """Return the address of a page of grants: `changelist`, `add`, `revoke`, `extend`..."""
    return reverse(f"{site.name}:api_guard_scopegrant_{name}", args=args)


def may_revoke(request: HttpRequest, row: Any) -> bool:
    """Whether the user may revoke a grant that is not revoked."""
    authority = authority_of(request)
    to_everyone = grants.is_everyone(row.grantee)
    if row.revoked_at is not None or not authority.is_over(row.scope):
        return False
    return authority.gives_any or not to_everyone


class ManagedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs alone
    """For grants. The authority to give scopes is enough to see and change grants of these scopes.

    Who has Django's view permission sees the grants of all scopes.
    """

    def get_queryset(self, request: HttpRequest) -> QuerySet[ScopeGrant]:
        """Return the grants that this user may see."""
        rows: QuerySet[ScopeGrant] = super().get_queryset(request)
        if self.sees_all(request):
            return rows
        return rows.filter(scope__in=authority_of(request).scopes())

    def sees_all(self, request: HttpRequest) -> bool:
        """Whether this user may know the grants of all scopes."""
        return super().has_view_permission(request) or authority_of(request).is_over(EVERY_SCOPE)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether this user may see grants, of all scopes or of those that it manages."""
        return super().has_view_permission(request, obj) or manages(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whether this user may use the form. `api_guard.grants` decides which scopes it gives."""
        return super().has_add_permission(request) or manages(request)

    def has_change_permission(self, request: HttpRequest, obj: ScopeGrant | None = None) -> bool:
        """Whether this user may revoke and extend. A grant's own page changes nothing."""
        return obj is None and (super().has_change_permission(request) or manages(request))

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the app is listed for this user."""
        return super().has_module_permission(request) or manages(request)

    def get_model_perms(self, request: HttpRequest) -> dict[str, bool]:
        """Return what this user may do here. Without any of it, no site lists the model.

        Nobody deletes here: other admins ask `has_delete_permission`, which would list it for
        everybody, without a link.
        """
        return {**super().get_model_perms(request), "delete": False}

    def has_delete_permission(self, request: HttpRequest, obj: ScopeGrant | None = None) -> bool:
        """No: revoke a grant instead, so that its history stays.

        Other admins may delete a grantee, which deletes its grants.
        """
        del obj
        match = request.resolver_match
        return match is not None and not (match.url_name or "").startswith("api_guard_scopegrant")
