"""Reads JSON within limits, bounded before it is built, with one meaning for every parser."""

from api_guard.input.json_text.reading import loads

__all__ = ["loads"]
