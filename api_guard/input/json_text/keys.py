"""Finds a key that stands twice in one object."""

from __future__ import annotations

import json
from typing import Any

from api_guard.core.bodies import Malformed, OverLimit
from api_guard.input.json_text.shape import SHAPE


def has_colons(shape: bytes, names: set[str], count: int) -> bool:
    """Whether a text has just as many colons after keys as its objects have keys."""
    if shape.count(b":") == count:
        return True
    # Where no key holds a character of the shape, `"":` is a key there, and nothing else is.
    return SHAPE.isdisjoint("".join(names)) and shape.count(b'"":') == count


def refuse_duplicates(text: str) -> None:
    """Raise Malformed where a key stands twice in one object; OverLimit for too deep a text."""
    try:
        json.loads(text, object_pairs_hook=_refuse_duplicates)
    except RecursionError:
        raise OverLimit("Lists and objects are nested too deep.") from None


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) != len(pairs):
        raise Malformed("A key stands twice in one object.")
