"""Reads a set of words from one line."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """Return the words of `text`, which spaces part."""
    return frozenset(text.split())
