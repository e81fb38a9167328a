"""Serializer fields that keep markup, tricks and lies out of the data."""

from api_guard.fields.choices import StrictChoiceField
from api_guard.fields.files import SafeFileField, SafeImageField
from api_guard.fields.numbers import (
    BoundedBigIntegerField,
    BoundedDecimalField,
    BoundedFloatField,
    BoundedIntegerField,
)
from api_guard.fields.related import BoundedManyRelatedField, BoundedPrimaryKeyRelatedField
from api_guard.fields.rich import RichTextField
from api_guard.fields.structures import BoundedDictField, BoundedJSONField, BoundedListField
from api_guard.fields.text import (
    PasswordField,
    PlainEmailField,
    PlainSlugField,
    PlainTextField,
)
from api_guard.fields.urls import SafeURLField

__all__ = [
    "BoundedBigIntegerField",
    "BoundedDecimalField",
    "BoundedDictField",
    "BoundedFloatField",
    "BoundedIntegerField",
    "BoundedJSONField",
    "BoundedListField",
    "BoundedManyRelatedField",
    "BoundedPrimaryKeyRelatedField",
    "PasswordField",
    "PlainEmailField",
    "PlainSlugField",
    "PlainTextField",
    "RichTextField",
    "SafeFileField",
    "SafeImageField",
    "SafeURLField",
    "StrictChoiceField",
]
