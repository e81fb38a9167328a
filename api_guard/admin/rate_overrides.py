"""The admin of RateOverride: another limit for one grantee."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import ForeignKey
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from api_guard import grants
from api_guard.access.endpoints import rates_in_use
from api_guard.admin.databases import WrittenAdmin
from api_guard.admin.lists import IndexedAdmin
from api_guard.core.rates import CEILING, override_name
from api_guard.core.scopes import EVERY_SCOPE
from api_guard.models import GRANTEES, RateOverride, is_past


def rate_choices() -> list[tuple[str, str]]:
    """Return the rates in use: the name of the override, and the limit in code."""
    limits: dict[str, dict[str, None]] = {}
    for rate, _place, view in rates_in_use():
        subject = view
        if rate.budget:
            subject = "the whole API" if rate.budget == CEILING else f"budget {rate.budget}"
        limits.setdefault(override_name(rate, view), {})[f"{subject}: {rate.written}"] = None
    return [(name, ", ".join(said)) for name, said in sorted(limits.items())]


class RateOverrideForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs alone
    """Choose one of the rates in use."""

    name = forms.ChoiceField(label=_("Rate"))

    class Meta:
        model = RateOverride
        fields = ("name", "limit", *GRANTEES, "expires_at", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = rate_choices()
        kept = self.instance.name
        if kept and kept not in dict(choices):
            choices.append((kept, kept))  # the code has no such rate now, but the row stays visible
        field: Any = self.fields["name"]
        field.choices = choices


def _manages(request: HttpRequest) -> bool:
    return grants.may_manage(cast("models.Model", request.user), EVERY_SCOPE)


@admin.register(RateOverride)
class RateOverrideAdmin(IndexedAdmin, WrittenAdmin):
    """Add, change and delete. Django's admin history records who did it."""

    form = RateOverrideForm
    list_display = ("name", "limit", "held_by", "state", "expires_at", "reason")
    list_select_related = GRANTEES
    search_fields = ("name",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whether this user manages every scope."""
        return super().has_add_permission(request) and _manages(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether this user manages every scope."""
        return super().has_change_permission(request, obj) and _manages(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether this user manages every scope."""
        return super().has_delete_permission(request, obj) and _manages(request)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the list. It finds the rates in use once, because that walks every route."""
        changes: Any = super().get_changelist_instance(request)
        changes.result_list = list(changes.result_list)
        names = frozenset(name for name, _limits in rate_choices())
        for row in changes.result_list:
            row.rates_in_use = names
        return changes

    def get_autocomplete_fields(self, request: HttpRequest) -> list[str]:
        """Autocomplete the grantees whose admin has a search."""
        del request
        return [name for name in GRANTEES if self._can_search(name)]

    def _can_search(self, name: str) -> bool:
        field = RateOverride._meta.get_field(name)
        model: Any = field.related_model if isinstance(field, ForeignKey) else None
        other = self.admin_site._registry.get(model)
        return other is not None and bool(other.search_fields)

    @admin.display(description=_("grantee"))
    def held_by(self, obj: RateOverride) -> str:
        """The kind of grantee and its name."""
        return f"{obj.grantee_kind} {obj.grantee}"

    @admin.display(description=_("state"))
    def state(self, obj: RateOverride) -> Any:
        """Live, expired, or for a rate that no longer exists."""
        if obj.expires_at is not None and is_past(obj.expires_at, timezone.now()):
            return _("expired")
        names: frozenset[str] = getattr(obj, "rates_in_use", frozenset())
        return _("live") if obj.name in names else _("no such rate")
