"""The HTML engines, nh3 and bleach, behind one function."""

from api_guard.input.sanitizers.allow_lists import AllowList
from api_guard.input.sanitizers.bounds import SanitizeError
from api_guard.input.sanitizers.cleaning import MAX_LENGTH, sanitize
from api_guard.input.sanitizers.presets import PRESETS, allow_lists, preset_named
from api_guard.input.sanitizers.proof import OLDEST, find_fault, is_too_old
from api_guard.input.sanitizers.rich import RichText
from api_guard.input.sanitizers.texts import text_of

__all__ = [
    "MAX_LENGTH",
    "OLDEST",
    "PRESETS",
    "AllowList",
    "RichText",
    "SanitizeError",
    "allow_lists",
    "find_fault",
    "is_too_old",
    "preset_named",
    "sanitize",
    "text_of",
]
