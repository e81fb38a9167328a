"""The admin of RateOverride: another limit for one grantee."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import ForeignKey
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from api_guard import grants
from api_guard.admin.columns import GranteeColumn
from api_guard.admin.databases import WrittenAdmin
from api_guard.admin.lists import IndexedAdmin
from api_guard.admin.rate_words import RateWords, choices_of, limit_in_words, rates_in_words
from api_guard.core.scopes import EVERY_SCOPE
from api_guard.models import GRANTEES, RateOverride, is_past
from api_guard.templatetags.api_guard_admin import in_words


class RateOverrideForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs alone
    """Choose one of the rates in use."""

    name = forms.ChoiceField(label=_("Rate"))
    limit = forms.IntegerField(
        label=_("Limit"), min_value=1, help_text=_("How many requests in the period of this rate.")
    )

    class Meta:
        model = RateOverride
        fields = ("name", "limit", *GRANTEES, "expires_at", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = rates_in_words()
        choices = choices_of(found)
        kept = self.instance.name
        if kept and kept not in found:
            choices.append((kept, kept))  # the code has no such rate now, but the row stays visible
        field: Any = self.fields["name"]
        field.choices = choices

    def clean_expires_at(self) -> datetime | None:
        """Refuse an expiry in the past, unless it stays as it is."""
        said: datetime | None = self.cleaned_data["expires_at"]
        if said is None or "expires_at" not in self.changed_data:
            return said
        if is_past(said, timezone.now()):
            raise forms.ValidationError(_("This time is in the past."), code="past")
        return said


def _manages(request: HttpRequest) -> bool:
    return grants.may_manage(cast("models.Model", request.user), EVERY_SCOPE)


@admin.register(RateOverride)
class RateOverrideAdmin(GranteeColumn, IndexedAdmin, WrittenAdmin):
    """Add, change and delete. Django's admin history records who did it."""

    form = RateOverrideForm
    list_display = ("rate", "another_limit", "held_by", "state", "ends", "reason")
    list_select_related = GRANTEES
    search_fields = ("name",)
    search_help_text = _("A part of the path or of the budget, or the name of who has it.")

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
        found = rates_in_words()
        for row in changes.result_list:
            row.rates_in_use = found
        return changes

    def _known_with(self, word: str) -> list[str]:
        """Return the names of the rates whose words contain a word, or the word itself."""
        found = rates_in_words().items()
        return [name for name, said in found if word.lower() in str(said).lower()] or [word]

    def get_autocomplete_fields(self, request: HttpRequest) -> list[str]:
        """Autocomplete the grantees whose admin has a search."""
        del request
        return [name for name in GRANTEES if self._can_search(name)]

    def _can_search(self, name: str) -> bool:
        field = RateOverride._meta.get_field(name)
        model: Any = field.related_model if isinstance(field, ForeignKey) else None
        other = self.admin_site._registry.get(model)
        return other is not None and bool(other.search_fields)

    @admin.display(description=_("rate"))
    def rate(self, obj: RateOverride) -> str:
        """What is counted, and the limit in code."""
        found = _in_use(obj)
        return str(found[obj.name]) if obj.name in found else obj.name

    @admin.display(description=_("limit instead"))
    def another_limit(self, obj: RateOverride) -> str:
        """The limit of the override."""
        return limit_in_words(obj.name, obj.limit)

    @admin.display(description=_("ends"))
    def ends(self, obj: RateOverride) -> Any:
        """When it ends."""
        return in_words(obj.expires_at, str(_("never")))

    @admin.display(description=_("state"))
    def state(self, obj: RateOverride) -> Any:
        """Live, expired, or for a rate that no longer exists."""
        if obj.expires_at is not None and is_past(obj.expires_at, timezone.now()):
            return _("expired")
        return _("live") if obj.name in _in_use(obj) else _("no such rate")


def _in_use(row: RateOverride) -> dict[str, RateWords]:
    found: dict[str, RateWords] | None = getattr(row, "rates_in_use", None)
    return rates_in_words() if found is None else found
