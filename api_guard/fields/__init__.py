"""Serializer fields that refuse or clean unsafe input."""

from api_guard.fields.addresses import PlainIPAddressField
from api_guard.fields.binary import BoundedBinaryField
from api_guard.fields.choices import StrictChoiceField
from api_guard.fields.files import SafeFileField, SafeImageField
from api_guard.fields.moments import BoundedDateTimeField, BoundedDurationField
from api_guard.fields.numbers import (
    BoundedBigIntegerField,
    BoundedDecimalField,
    BoundedFloatField,
    BoundedIntegerField,
)
from api_guard.fields.ranges import BoundedRangeField
from api_guard.fields.related import BoundedManyRelatedField, BoundedPrimaryKeyRelatedField
from api_guard.fields.rich import RichTextField
from api_guard.fields.structures import BoundedDictField, BoundedJSONField, BoundedListField
from api_guard.fields.text import (
    PasswordField,
    PlainEmailField,
    PlainSlugField,
    PlainTextField,
)
from api_guard.fields.unmapped import UnmappedField
from api_guard.fields.urls import SafeURLField
from api_guard.input.contents import register_kind
from api_guard.input.sanitizers import PRESETS, AllowList, text_of

__all__ = [
    "PRESETS",
    "AllowList",
    "BoundedBigIntegerField",
    "BoundedBinaryField",
    "BoundedDateTimeField",
    "BoundedDecimalField",
    "BoundedDictField",
    "BoundedDurationField",
    "BoundedFloatField",
    "BoundedIntegerField",
    "BoundedJSONField",
    "BoundedListField",
    "BoundedManyRelatedField",
    "BoundedPrimaryKeyRelatedField",
    "BoundedRangeField",
    "PasswordField",
    "PlainEmailField",
    "PlainIPAddressField",
    "PlainSlugField",
    "PlainTextField",
    "RichTextField",
    "SafeFileField",
    "SafeImageField",
    "SafeURLField",
    "StrictChoiceField",
    "UnmappedField",
    "register_kind",
    "text_of",
]
