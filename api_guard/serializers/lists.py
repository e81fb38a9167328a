"""Many objects in one request, up to a limit."""

from __future__ import annotations

from typing import Any

from django.core.validators import MaxLengthValidator
from rest_framework.exceptions import ValidationError
from rest_framework.serializers import ListSerializer

from api_guard.fields.flaws import MAX_ERRORS


class BoundedListSerializer(ListSerializer[Any]):
    """What `many=True` makes of a strict serializer: at most `max_length` objects.

    After ten that are refused, the rest is not looked at.
    """

    _refused = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        most = kwargs.get("max_length")
        super().__init__(*args, **kwargs)
        if most is not None:
            # For the schema; the objects are counted before it is asked.
            self.validators.append(MaxLengthValidator(most))

    def to_internal_value(self, data: Any) -> Any:
        """Return the objects' values. Raises ValidationError."""
        self._refused = 0
        return super().to_internal_value(data)

    def run_child_validation(self, data: Any) -> Any:
        """Validate one object, unless so many were refused that nobody reads on."""
        if self._refused >= MAX_ERRORS:
            return data
        try:
            return super().run_child_validation(data)
        except ValidationError:
            self._refused += 1
            raise
