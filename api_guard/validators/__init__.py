"""What the fields require, for the columns of a model: the admin and the shell are held too."""

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
