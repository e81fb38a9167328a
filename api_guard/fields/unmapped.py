"""The field for a column of an unknown class."""

from __future__ import annotations

from typing import Any

from django.db.models import Field as Column
from rest_framework.fields import ModelField

from api_guard.exceptions import GuardError


class UnmappedField(ModelField):
    """Shows a column of an unknown class. Raises GuardError if the field is writable."""

    def __init__(self, model_field: Column[Any, Any], **kwargs: Any) -> None:
        if kwargs.get("read_only") is not True:
            name, model = getattr(model_field, "name", None), getattr(model_field, "model", None)
            place = f"{model._meta.label}.{name}" if model is not None and name else "An item"
            kind = type(model_field).__name__
            raise GuardError(
                f"{place} is a {kind}, and api_guard has no field for it. "
                f"Declare a field in the serializer, for example {name or 'items'} = "
                f'PlainTextField(max_length=100), or Meta.read_only_fields = ["{name or "items"}"]'
            )
        super().__init__(model_field, **kwargs)
