"""Keys that somebody wrote into a form or an address, where Django's own pages fail."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
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


class KeyedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs alone
    """Answers 400 or shows the page, where Django's own page would be a 500."""

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        """Return a row. `?_to_field=` names no field."""
        return super().get_object(request, object_id, from_field or None)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Do what was chosen in the list. Raises BadRequest for rows that cannot exist."""
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if not all(is_key_of(self.model, each) for each in chosen):
            raise BadRequest("A selected row is not a key.")
        found: HttpResponse | None = super().response_action(request, queryset, *args, **kwargs)
        return found
