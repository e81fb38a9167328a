"""Form fields with the names and the rules of the serializer fields."""

from api_guard.forms.files import SafeFileField, SafeImageField
from api_guard.forms.structures import BoundedJSONField
from api_guard.forms.text import (
    PasswordField,
    PlainEmailField,
    PlainSlugField,
    PlainTextField,
    RichTextField,
    SafeURLField,
)

__all__ = [
    "BoundedJSONField",
    "PasswordField",
    "PlainEmailField",
    "PlainSlugField",
    "PlainTextField",
    "RichTextField",
    "SafeFileField",
    "SafeImageField",
    "SafeURLField",
]
