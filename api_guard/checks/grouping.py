"""Writes the names of all that one cause concerns into one message."""

from __future__ import annotations

from collections.abc import Iterable


def by_module(names: Iterable[str]) -> str:
    """Return dotted names, on a line for each module."""
    found: dict[str, list[str]] = {}
    for name in names:
        module, _, last = name.rpartition(".")
        found.setdefault(module, []).append(last)
    return "".join(f"\n    {module}: {', '.join(lasts)}" for module, lasts in found.items())
