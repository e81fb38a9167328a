"""Which field stands for a column, and what the column's own validators say of it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from rest_framework.compat import postgres_fields

from api_guard import fields
from api_guard.fields.related import MAX_ITEMS
from api_guard.validators import Validator

# A column without a limit gets this one, in characters.
MAX_TEXT = 10_000

FIELDS: dict[type[models.Field[Any, Any]], type[Any]] = {
    models.BigIntegerField: fields.BoundedBigIntegerField,
    models.CharField: fields.PlainTextField,
    models.DecimalField: fields.BoundedDecimalField,
    models.EmailField: fields.PlainEmailField,
    models.FileField: fields.SafeFileField,
    models.FloatField: fields.BoundedFloatField,
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
}
_POSTGRES: Any = postgres_fields  # None without psycopg
FIELDS |= (
    {}
    if _POSTGRES is None
    else {
        _POSTGRES.ArrayField: fields.BoundedListField,
        _POSTGRES.HStoreField: fields.BoundedDictField,
    }
)


def mapped(
    field_class: type[Any], options: dict[str, Any], column: models.Field[Any, Any]
) -> tuple[type[Any], dict[str, Any]]:
    """Return the field and its arguments for `column`, of what DRF found. Raises GuardError."""
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
        # Trimmed or in another form, it would not be the password that its owner types.
        field_class = fields.PasswordField
    if issubclass(field_class, fields.PlainTextField):
        options.setdefault("max_length", MAX_TEXT)
        options.setdefault("newlines", isinstance(column, models.TextField))
    if issubclass(field_class, fields.RichTextField):
        options.setdefault("max_length", MAX_TEXT)
    if issubclass(field_class, fields.BoundedListField):
        options.setdefault("max_length", getattr(column, "size", None) or MAX_ITEMS)
    if issubclass(field_class, fields.BoundedDictField):
        text = fields.PlainTextField(max_length=MAX_TEXT, allow_blank=True, allow_null=True)
        options |= {"max_length": MAX_ITEMS, "child": text}
    return field_class, options
