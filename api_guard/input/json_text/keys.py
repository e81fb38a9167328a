"""Finds duplicate keys in an object."""

from __future__ import annotations

import json
from typing import Any

from api_guard.core.bodies import Malformed, OverLimit
from api_guard.input.json_text.shape import SHAPE


def has_colons(shape: bytes, names: set[str], count: int) -> bool:
    """Whether the number of colons after keys is the number of keys in the objects."""
    if shape.count(b":") == count:
        return True
    # If no key contains a character of the shape, only keys look like `"":`.
    return SHAPE.isdisjoint("".join(names)) and shape.count(b'"":') == count


def refuse_duplicates(text: str) -> None:
    """Raise Malformed if an object has a duplicate key, and OverLimit for too deep nesting."""
    try:
        json.loads(text, object_pairs_hook=_refuse_duplicates)
    except RecursionError:
        raise OverLimit("Lists and objects are nested too deep.") from None


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) != len(pairs):
        raise Malformed("An object has the same key twice.")
