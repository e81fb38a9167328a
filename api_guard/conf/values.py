"""Reads one value of `settings.API_GUARD` without a cache, and checks its type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeGuard

from django.conf import settings

# A test of a value, the problem if the test fails, and a valid value.
Rule = tuple[Callable[[object], bool], str, str]


def read(name: str) -> object:
    """Return the value of `name` in `settings.API_GUARD`; None if it is not set."""
    values: object = getattr(settings, "API_GUARD", None)
    # Every request reads several settings, and to recognize a dict as a Mapping takes longest.
    if type(values) is dict or isinstance(values, Mapping):
        return values.get(name)
    return None


def is_set(name: str) -> bool:
    """Whether `settings.API_GUARD` has a value for `name`."""
    return read(name) is not None


def text_mapping(name: str) -> dict[str, str]:
    """Return the entries whose key is a string."""
    value = read(name)
    if not isinstance(value, Mapping):
        return {}
    return {key: str(text) for key, text in value.items() if isinstance(key, str)}


def strings(value: object) -> tuple[str, ...] | None:
    """Return a collection of strings as a tuple; None for anything else."""
    if isinstance(value, (list, tuple, set, frozenset)):
        items = tuple(item for item in value if isinstance(item, str))
        return items if len(items) == len(value) else None
    return None


def is_count(value: object) -> TypeGuard[int]:
    """Whether `value` is a whole number of at least 0."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
