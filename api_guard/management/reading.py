"""Reads the files that options name, and standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.core.management.base import CommandError


@contextmanager
def lines_of(name: str) -> Iterator[Iterable[str]]:
    """Give the lines of a log, or of standard input for `-`. Raises CommandError."""
    if name == "-":
        # A log may have bytes that are no text. A test puts another object there.
        with suppress(AttributeError):
            sys.stdin.reconfigure(errors="replace")  # type: ignore[union-attr]
        yield sys.stdin
        return
    try:
        with Path(name).open(encoding="utf-8", errors="replace") as lines:
            yield lines
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error}") from error


def text_of(name: str) -> str:
    """Return the text of a file. Raises CommandError."""
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{name} cannot be read: {error}") from error
