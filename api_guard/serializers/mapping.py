"""Chooses the serializer field for a model field, with the bounds of its validators."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection, models
from django.db.backends.base.operations import BaseDatabaseOperations
from rest_framework import fields as drf
from rest_framework.compat import postgres_fields

from api_guard import fields
from api_guard.fields.related import MAX_ITEMS
from api_guard.validators import Validator

# The limits for a column without its own limit, in characters and in digits.
MAX_TEXT = 10_000
_MAX_DIGITS, _DECIMAL_PLACES = 50, 20

FIELDS: dict[type[models.Field[Any, Any]], type[Any]] = {
    models.BigIntegerField: fields.BoundedBigIntegerField,
    models.BinaryField: fields.BoundedBinaryField,
    models.CharField: fields.PlainTextField,
    models.DateTimeField: fields.BoundedDateTimeField,
    models.DecimalField: fields.BoundedDecimalField,
    models.DurationField: fields.BoundedDurationField,
    models.EmailField: fields.PlainEmailField,
    # For all other columns.
    models.Field: fields.UnmappedField,
    models.FileField: fields.SafeFileField,
    models.FloatField: fields.BoundedFloatField,
    models.GenericIPAddressField: fields.PlainIPAddressField,
    models.ImageField: fields.SafeImageField,
    models.IntegerField: fields.BoundedIntegerField,
    models.JSONField: fields.BoundedJSONField,
    models.PositiveBigIntegerField: fields.BoundedBigIntegerField,
    models.PositiveIntegerField: fields.BoundedIntegerField,
    models.PositiveSmallIntegerField: fields.BoundedIntegerField,
    models.SlugField: fields.PlainSlugField,
    models.SmallIntegerField: fields.BoundedIntegerField,
    models.TextField: fields.PlainTextField,
    models.URLField: fields.SafeURLField,
    # Consists of several columns, which have their own fields.
    models.CompositePrimaryKey: drf.ListField,
}
# Columns whose value the database computes.
_READ_ONLY: tuple[type[Any], ...] = (models.CompositePrimaryKey,)
# Columns that only PostgreSQL has. Django can import them only with psycopg.
_ARRAYS: tuple[type[Any], ...] = ()
_RANGES: tuple[type[Any], ...] = ()
_POSTGRES: Any = postgres_fields  # None without psycopg
if _POSTGRES is not None:
    from django.contrib.postgres.search import SearchVectorField

    FIELDS |= {
        _POSTGRES.ArrayField: fields.BoundedListField,
        _POSTGRES.HStoreField: fields.BoundedDictField,
        _POSTGRES.RangeField: fields.BoundedRangeField,
        SearchVectorField: drf.CharField,
    }
    _READ_ONLY += (SearchVectorField,)
    _ARRAYS, _RANGES = (_POSTGRES.ArrayField,), (_POSTGRES.RangeField,)


def is_read_only(column: models.Field[Any, Any]) -> bool:
    """Whether the database computes the value of a column."""
    return isinstance(column, _READ_ONLY)


def inner_of(column: models.Field[Any, Any]) -> models.Field[Any, Any] | None:
    """Return the column for the ends of a range, or None if it is not a range."""
    found: Any = column
    return found.base_field if isinstance(found, _RANGES) else None


def mapped(
    field_class: type[Any], options: dict[str, Any], column: models.Field[Any, Any]
) -> tuple[type[Any], dict[str, Any]]:
    """Return the field and its arguments for `column`, from DRF's choice. Raises GuardError."""
    options = dict(options)
    validators = options.get("validators", [])
    ours = next((v for v in validators if isinstance(v, Validator)), None)
    if ours is not None and not column.choices:
        field_class = getattr(fields, ours.field)
        limit = options.get("max_length")
        options |= ours.options
        if limit is not None:
            options["max_length"] = min(limit, options.get("max_length", limit))
        options["validators"] = [v for v in validators if v is not ours]
    if column.name == "password" and issubclass(column.model, AbstractBaseUser):
        # A trimmed or normalized password would not be the password that the user types.
        field_class = fields.PasswordField
    if issubclass(field_class, fields.PlainTextField):
        options.setdefault("max_length", MAX_TEXT)
        options.setdefault("newlines", isinstance(column, models.TextField))
    if issubclass(field_class, fields.RichTextField):
        options.setdefault("max_length", MAX_TEXT)
    if issubclass(field_class, fields.BoundedIntegerField):
        options |= _within_column(options, column)
    if issubclass(field_class, fields.BoundedDecimalField):
        options.setdefault("max_digits", _MAX_DIGITS)
        options.setdefault("decimal_places", _DECIMAL_PLACES)
    if issubclass(field_class, fields.BoundedBinaryField) and column.max_length is not None:
        options["max_length"] = column.max_length
    if issubclass(field_class, fields.BoundedListField):
        options.setdefault("max_length", getattr(column, "size", None) or MAX_ITEMS)
        if isinstance(getattr(column, "base_field", None), _ARRAYS):
            options["rectangular"] = True
    if issubclass(field_class, fields.BoundedDictField):
        text = fields.PlainTextField(max_length=MAX_TEXT, allow_blank=True, allow_null=True)
        options |= {"max_length": MAX_ITEMS, "child": text}
    return field_class, options


def _within_column(options: dict[str, Any], column: models.Field[Any, Any]) -> dict[str, int]:
    """Return the bounds of an integer column on SQLite.

    SQLite stores 64 bits in every integer column. Other databases would refuse such values.
    """
    if connection.vendor != "sqlite" or options.get("read_only"):
        return {}
    least, most = BaseDatabaseOperations.integer_field_ranges[column.get_internal_type()]
    lower, upper = options.get("min_value", least), options.get("max_value", most)
    return {"min_value": max(lower, least), "max_value": min(upper, most)}
