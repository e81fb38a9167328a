"""Reads lists of names, compares them, and suggests the name that was meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def words(text: str) -> frozenset[str]:
    """Return the words of `text`, which are separated by spaces."""
    return frozenset(text.split())


def alike(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Group the names that differ only in case: some databases treat them as one."""
    spellings: dict[str, list[str]] = {}
    for name in names:
        spellings.setdefault(name.lower(), []).append(name)
    return [tuple(group) for group in spellings.values() if len(group) > 1]


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return `" Did you mean 'x'?"` for a near miss of a known name, else an empty string."""
    close = get_close_matches(str(name), list(known), n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""


def is_storable(text: str) -> bool:
    """Whether every database can store the text: no null character, no lone surrogate."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)
