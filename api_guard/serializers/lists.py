"""Many objects in one request, up to a limit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.validators import MaxLengthValidator
from rest_framework.exceptions import ValidationError
from rest_framework.serializers import ListSerializer
from rest_framework.settings import api_settings

from api_guard.fields.flaws import MAX_ERRORS
from api_guard.serializers.unique import asked_later, errors_of


class BoundedListSerializer(ListSerializer[Any]):
    """The list serializer of a strict serializer: at most `max_length` objects.

    Validation stops after ten invalid objects. Uniqueness is checked for all objects together.
    """

    _refused = 0
    _place = -1

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        most = kwargs.get("max_length")
        super().__init__(*args, **kwargs)
        if most is not None:
            # Only for the schema. The objects are counted earlier.
            self.validators.append(MaxLengthValidator(most))

    def to_internal_value(self, data: Any) -> Any:
        """Return the values of the objects. Raises ValidationError."""
        self._refused, self._place = 0, -1
        found, refusal = None, None
        with asked_later(self.child, lambda: self._place) as later:
            try:
                found = super().to_internal_value(data)
            except ValidationError as error:
                refusal = error
        errors = errors_of(later, MAX_ERRORS - self._refused)
        if errors:
            raise ValidationError(_together(errors, refusal, self._place + 1)) from refusal
        if refusal is not None:
            raise refusal
        return found

    def run_child_validation(self, data: Any) -> Any:
        """Validate one object, unless there are already enough errors."""
        self._place += 1
        if self._refused >= MAX_ERRORS:
            return data
        try:
            return super().run_child_validation(data)
        except ValidationError:
            self._refused += 1
            raise


def _together(errors: dict[int, Any], refusal: ValidationError | None, count: int) -> Any:
    """Return both kinds of errors, by position, in DRF's format."""
    before: Any = {} if refusal is None else refusal.detail
    if isinstance(before, list):
        before = {place: detail for place, detail in enumerate(before) if detail}
    whole = {place: _merged(before.get(place), errors.get(place)) for place in {*before, *errors}}
    if getattr(api_settings, "LIST_SERIALIZER_ERRORS_AS_DICT", False):
        return dict(sorted(whole.items()))
    return [whole.get(place, {}) for place in range(count)]


def _merged(one: Any, other: Any) -> Any:
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        if isinstance(one, list) and isinstance(other, list):
            return [*one, *other]
        return one or other
    return {name: _merged(one.get(name), other.get(name)) for name in {**one, **other}}
