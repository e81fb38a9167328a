"""Checks types and bounds of every field of a strict serializer, also of other field classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.fields import DictField, ListField, MultipleChoiceField, empty
from rest_framework.relations import ManyRelatedField
from rest_framework.serializers import ListSerializer

from api_guard.serializers.options import Options
from api_guard.serializers.types import find_wrong_type

_MANY = (ListField, DictField, ManyRelatedField, ListSerializer, MultipleChoiceField)


def hold(field: Any, options: Options) -> None:
    """Make `field` (the serializer's copy) and its children check the input first."""
    for inner in _with_children(field):
        inner.run_validation = _held(inner, options)


def _held(field: Any, options: Options) -> Any:
    validate = field.run_validation
    is_many, is_typed = isinstance(field, _MANY), options.strict_types

    def run_validation(data: Any = empty) -> Any:
        if isinstance(data, str):
            if "\x00" in data or not data.isascii():
                _refuse_unencodable(data)
        elif is_many and isinstance(data, (list, dict)):
            _refuse_many(field, data, options)
        wanted = find_wrong_type(field, data) if is_typed else None
        if wanted:
            raise ValidationError(f"This must be {wanted}.", code="wrong_type")
        return validate(data)

    return run_validation


def _refuse_many(field: Any, data: list[Any] | dict[Any, Any], options: Options) -> None:
    limit = getattr(field, "max_items", None) or getattr(field, "max_length", None)
    most = options.max_items if limit is None else limit
    if len(data) > most:
        raise ValidationError(f"There are more than {most} items.", code="max_length")


def _refuse_unencodable(data: str) -> None:
    """Refuse text that a database cannot store, if the field does not."""
    if "\x00" in data:
        raise ValidationError("The text contains U+0000.", code="null_character")
    try:
        data.encode()
    except UnicodeEncodeError as error:
        raise ValidationError("The text contains a lone surrogate.", code="surrogate") from error


def _with_children(field: Any) -> Iterator[Any]:
    yield field
    child = getattr(field, "child", None)
    # The child of a ListSerializer is a serializer, which checks its own fields if it is strict.
    if child is not None:
        yield from _with_children(child)
