"""The JSON types that a field accepts with `strict_types`."""

from __future__ import annotations

from typing import Any

from django.db.models import ForeignKey
from django.db.models import IntegerField as IntegerColumn
from rest_framework import fields, relations
from rest_framework.serializers import BaseSerializer, ListSerializer

from api_guard.core.numbers import is_plain_decimal, is_plain_float, is_plain_integer
from api_guard.fields.binary import BoundedBinaryField
from api_guard.fields.forms import is_from_form
from api_guard.fields.ranges import BoundedRangeField

_NUMBER = frozenset({int, float})
_TEXT = frozenset({str})
_LIST = frozenset({list})
# The first match is used, so a subclass comes before its base.
_TYPES: tuple[tuple[type[Any], frozenset[type]], ...] = (
    (fields.BooleanField, frozenset({bool})),
    (fields.IntegerField, frozenset({int})),
    (fields.FloatField, _NUMBER),
    (fields.DecimalField, _NUMBER | _TEXT),
    (fields.MultipleChoiceField, _LIST),
    (fields.CharField, _TEXT),
    (fields.DateTimeField, _TEXT),
    (fields.DateField, _TEXT),
    (fields.TimeField, _TEXT),
    (fields.DurationField, _TEXT),
    (fields.UUIDField, _TEXT),
    (fields.ListField, _LIST),
    (fields.DictField, frozenset({dict})),
    (BoundedRangeField, frozenset({dict})),
    (BoundedBinaryField, _TEXT),
    (relations.ManyRelatedField, _LIST),
    (relations.HyperlinkedRelatedField, _TEXT),
    (relations.SlugRelatedField, _TEXT | {int}),
    (ListSerializer, _LIST),
    (BaseSerializer, frozenset({dict})),
)
_PLAIN = (
    (fields.IntegerField, is_plain_integer),
    (fields.FloatField, is_plain_float),
    (fields.DecimalField, is_plain_decimal),
)
_NAMES = {bool: "true or false", int: "an integer", float: "a number", str: "a string"}
_NAMES |= {list: "a list", dict: "an object"}


def find_wrong_type(field: Any, data: object) -> str | None:
    """Return a description of the type of `field` if `data` has another type. null is allowed."""
    if data is None or data is fields.empty:
        return None
    wanted = _types_of(field)
    if isinstance(data, str) and (is_from_form(field) or str in wanted):
        return None if _is_plain(field, data) else "a number in plain digits"
    if isinstance(field, relations.ManyRelatedField) and isinstance(data, list):
        found = (find_wrong_type(field.child_relation, item) for item in data)
        return next((f"a list in which each item is {text}" for text in found if text), None)
    if not wanted or type(data) in wanted or is_from_form(field):
        return None
    return " or ".join(name for cls, name in _NAMES.items() if cls in wanted)


def _types_of(field: Any) -> frozenset[type]:
    if isinstance(field, fields.ChoiceField) and not isinstance(field, fields.MultipleChoiceField):
        return frozenset(type(choice) for choice in field.choices)
    if isinstance(field, relations.PrimaryKeyRelatedField):
        return _types_of(field.pk_field) if field.pk_field is not None else _key_types(field)
    return next((types for cls, types in _TYPES if isinstance(field, cls)), frozenset())


def _key_types(field: Any) -> frozenset[type]:
    # Not get_queryset(): it may filter by the caller, which reads the caller's grants.
    queryset: Any = field.get_queryset() if field.queryset is None else field.queryset
    column = queryset.model._meta.pk
    while isinstance(column, ForeignKey):
        column = column.target_field
    return frozenset({int}) if isinstance(column, IntegerColumn) else _TEXT


def _is_plain(field: Any, text: str) -> bool:
    plain = next((plain for cls, plain in _PLAIN if isinstance(field, cls)), None)
    return plain is None or not text.strip() or plain(text.strip())
