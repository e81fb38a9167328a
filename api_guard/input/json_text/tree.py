"""Walks lists and objects, one level at a time."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from itertools import chain
from typing import Any

from api_guard.core.bodies import OverLimit


def keys_in(value: Any, depth: int) -> tuple[set[str], int]:
    """Return the set of the keys in `value`, and the number of all keys.

    Raises OverLimit if lists and objects are nested deeper than `depth`.
    """
    names: set[str] = set()
    count = inside = 0
    level = [value]
    while level:
        if inside >= depth and any(isinstance(item, (list, dict)) for item in level):
            raise OverLimit(f"Lists and objects are nested deeper than {depth}.")
        # The referents of lists and objects are their items. This is faster than a loop.
        below = gc.get_referents(*level)
        if below:
            # Otherwise there are no keys: most of the values are at the lowest level.
            objects = [item for item in level if type(item) is dict]
            names.update(*objects)
            count += sum(map(len, objects))
        level = below
        inside += 1
    return names, count


def texts_in(value: Any) -> Iterator[str]:
    """Return the strings in `value` that are not keys."""
    level = [value]
    while level:
        yield from (item for item in level if isinstance(item, str))
        lists = (item for item in level if isinstance(item, list))
        objects = (item.values() for item in level if isinstance(item, dict))
        level = [*chain.from_iterable(chain(lists, objects))]
