"""Reads JSON with limits, checked before objects are built, and refuses ambiguous JSON."""

from api_guard.input.json_text.reading import loads

__all__ = ["loads"]
