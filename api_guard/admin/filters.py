"""The filters of the list of grants."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from api_guard import conf, grants
from api_guard.models import ScopeGrant


class StateFilter(admin.SimpleListFilter):
    """Filter by live, expired or revoked."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the three states."""
        del request, model_admin
        return [("live", _("live")), ("expired", _("expired")), ("revoked", _("revoked"))]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ScopeGrant]
    ) -> QuerySet[ScopeGrant]:
        """Keep the grants in the chosen state."""
        del request
        now = timezone.now()
        match self.value():
            case "live":
                return queryset.filter(grants.counting(now))
            case "expired":
                return queryset.filter(live=1, expires_at__lte=now)
            case "revoked":
                return queryset.filter(revoked_at__isnull=False)
        return queryset


class ScopeFilter(admin.SimpleListFilter):
    """Filter by a declared scope. Django's own filter would scan the table for scopes in use."""

    title = _("scope")
    parameter_name = "scope"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the declared scopes."""
        del request, model_admin
        return [(name, name) for name in conf.scopes()]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ScopeGrant]
    ) -> QuerySet[ScopeGrant]:
        """Keep the grants of the chosen scope."""
        del request
        return queryset.filter(scope=self.value()) if self.value() else queryset
