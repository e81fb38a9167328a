"""Keys that somebody wrote into a form or an address, where Django's own pages fail."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import BadRequest, ValidationError
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse


def is_key_of(model: type[models.Model], text: str) -> bool:
    """Whether this may be a primary key of a model."""
    key: Any = model._meta.pk
    try:
        key.clean(text, None)
    except ValidationError:
        return False
    return True


class KeyedSelect(AutocompleteSelect):
    """A select that looks up only what may be a key. Django's own looks up whatever was sent."""

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:
        """Return the chosen row."""
        model = self.field.remote_field.model
        keys = [each for each in value if not each or is_key_of(model, each)]
        return super().optgroups(name, keys, attrs)


class KeyedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs alone
    """Answers 400 or shows the page, where Django's own page would be a 500."""

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        """Return a row. `?_to_field=` names no field."""
        return super().get_object(request, object_id, from_field or None)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Return the field that chooses a row."""
        if db_field.name in self.get_autocomplete_fields(request):
            select = KeyedSelect(db_field, self.admin_site, using=kwargs.get("using"))
            kwargs.setdefault("widget", select)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Do what was chosen in the list. Raises BadRequest for rows that cannot exist."""
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if not all(is_key_of(self.model, each) for each in chosen):
            raise BadRequest("A selected row is not a key.")
        found: HttpResponse | None = super().response_action(request, queryset, *args, **kwargs)
        return found
