"""The admin of RemoteSubject: maps subjects of another authorization server to users."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from api_guard import conf
from api_guard.admin.databases import WrittenAdmin
from api_guard.admin.lists import IndexedAdmin
from api_guard.models import RemoteSubject


class IssuerFilter(admin.SimpleListFilter):
    """Filter by the issuer of the settings. Django's own filter would scan the table."""

    title = _("issuer")
    parameter_name = "issuer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the issuer of the settings."""
        del request, model_admin
        asked = conf.introspection()
        return [] if asked is None else [(asked.issuer, asked.issuer)]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[RemoteSubject]
    ) -> QuerySet[RemoteSubject]:
        """Keep the subjects of the chosen issuer."""
        del request
        return queryset.filter(issuer=self.value()) if self.value() else queryset


@admin.register(RemoteSubject)
class RemoteSubjectAdmin(IndexedAdmin, WrittenAdmin):
    """Map a subject of the other server to a user of this site."""

    list_display = ("subject", "issuer", "user")
    list_filter = (IssuerFilter,)
    list_select_related = ("user",)
    search_fields = ("subject",)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Fill in the issuer of the settings."""
        asked = conf.introspection()
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        return initial if asked is None else {"issuer": asked.issuer, **initial}

    def get_autocomplete_fields(self, request: HttpRequest) -> list[str]:
        """Autocomplete the user if the user's admin has a search."""
        del request
        user: Any = RemoteSubject._meta.get_field("user").related_model
        other = self.admin_site._registry.get(user)
        return ["user"] if other is not None and other.search_fields else []
