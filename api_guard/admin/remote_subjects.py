"""The admin of RemoteSubject: which user a subject of another authorization server is."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from api_guard import conf
from api_guard.admin.databases import WrittenAdmin
from api_guard.models import RemoteSubject


@admin.register(RemoteSubject)
class RemoteSubjectAdmin(WrittenAdmin):
    """Say who is who."""

    list_display = ("subject", "issuer", "user")
    list_filter = ("issuer",)
    list_select_related = ("user",)
    search_fields = ("subject",)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Offer the issuer that is asked."""
        asked = conf.introspection()
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        return initial if asked is None else {"issuer": asked.issuer, **initial}

    def get_autocomplete_fields(self, request: HttpRequest) -> list[str]:
        """Autocomplete the user, where the user's own admin can search."""
        del request
        user: Any = RemoteSubject._meta.get_field("user").related_model
        other = self.admin_site._registry.get(user)
        return ["user"] if other is not None and other.search_fields else []
