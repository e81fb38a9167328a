"""The filters of the list of grants. Each follows an index."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from api_guard import conf
from api_guard.admin.managers import authority_of
from api_guard.grants import effects
from api_guard.grants.effects import Effect
from api_guard.models import ScopeGrant

_MOST_SCOPES = 30
_WITHIN = {"week": timedelta(days=7), "month": timedelta(days=30)}


# The order of the list for a state, which an index supports.
ORDERS = {
    "expired": ("-expires_at", "-pk"),
    "week": ("expires_at", "pk"),
    "month": ("expires_at", "pk"),
    "revoked": ("-revoked_at", "-pk"),
}


class WithDefault(admin.SimpleListFilter):
    """A filter whose first value is chosen unless the URL names another one."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Yield the links that choose a value."""
        chosen = self.chosen()
        for name, said in self.lookup_choices:
            value = None if name == self.lookup_choices[0][0] else name
            yield {
                "selected": name == chosen,
                "query_string": changelist.get_query_string({self.parameter_name: value}),
                "display": said,
            }

    def chosen(self) -> str:
        """Return the chosen value. An unknown one is the first."""
        said = self.value()
        return said if said in dict(self.lookup_choices) else str(self.lookup_choices[0][0])


class StateFilter(admin.SimpleListFilter):
    """Filter by what a grant does now."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the states."""
        del request, model_admin
        return [
            (Effect.LIVE, _("live")),
            ("week", _("expiring within 7 days")),
            ("month", _("expiring within 30 days")),
            (Effect.EXPIRED, _("expired")),
            (Effect.REVOKED, _("revoked")),
            (Effect.INACTIVE, _("without effect: user is inactive")),
            (Effect.UNDECLARED, _("without effect: scope is not declared")),
        ]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ScopeGrant]
    ) -> QuerySet[ScopeGrant]:
        """Keep the grants in the chosen state."""
        del request
        value = self.value() or ""
        if value in _WITHIN:
            return effects.ending_within(queryset, _WITHIN[value])
        is_known = value in dict(self.lookup_choices)
        return effects.in_effect(queryset, value) if is_known else queryset


class KindFilter(admin.SimpleListFilter):
    """Filter by who holds a grant."""

    title = _("kind of grantee")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the kinds."""
        del request, model_admin
        return [("user", _("users")), ("group", _("groups")), ("client", _("clients"))]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ScopeGrant]
    ) -> QuerySet[ScopeGrant]:
        """Keep the grants of the chosen kind."""
        del request
        known = dict(self.lookup_choices)
        return (
            queryset.filter(**{f"{self.value()}__isnull": False})
            if self.value() in known
            else queryset
        )


class UseFilter(admin.SimpleListFilter):
    """Filter by the last use."""

    title = _("use")
    parameter_name = "use"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the two kinds of unused grants."""
        del request, model_admin
        return [("never", _("live, never used")), ("unused", _("live, unused for 90 days"))]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ScopeGrant]
    ) -> QuerySet[ScopeGrant]:
        """Keep the grants that are not used."""
        del request
        match self.value():
            case "never":
                return effects.never_used(queryset)
            case "unused":
                return effects.unused_for(queryset, timedelta(days=90))
        return queryset


class ScopeFilter(admin.SimpleListFilter):
    """Filter by a declared scope. Django's own filter would scan the table for scopes in use."""

    title = _("scope")
    parameter_name = "scope"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the scopes that the user may see.

        If there are many, only the chosen one: search for others.
        """
        is_all = model_admin.sees_all(request)
        names = list(conf.grantable() if is_all else authority_of(request).scopes())
        if len(names) > _MOST_SCOPES:
            names = [name for name in names if name == self.value()]
        return [(name, name) for name in names]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ScopeGrant]
    ) -> QuerySet[ScopeGrant]:
        """Keep the grants of the chosen scope."""
        del request
        return queryset.filter(scope=self.value()) if self.value() else queryset
