"""Reads JSON within limits, bounded before it is built, with one meaning for every parser."""

from api_guard.core.json_text.errors import BodyError, Malformed, OverLimit
from api_guard.core.json_text.reading import decoded, loads

__all__ = ["BodyError", "Malformed", "OverLimit", "decoded", "loads"]
