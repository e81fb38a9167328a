"""Validators for model fields, with the rules of the serializer fields, also for the admin."""

from api_guard.validators.files import SafeFileValidator, SafeImageValidator
from api_guard.validators.saving import validate_on_save
from api_guard.validators.structures import BoundedJSONValidator
from api_guard.validators.text import (
    PlainEmailValidator,
    PlainTextValidator,
    RichTextValidator,
    SafeURLValidator,
)
from api_guard.validators.validator import Validator

__all__ = [
    "BoundedJSONValidator",
    "PlainEmailValidator",
    "PlainTextValidator",
    "RichTextValidator",
    "SafeFileValidator",
    "SafeImageValidator",
    "SafeURLValidator",
    "Validator",
    "validate_on_save",
]
