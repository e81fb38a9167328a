"""Checks of the headers that describe a body."""

from __future__ import annotations

import codecs

_UTF8 = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})


def is_utf8(charset: str | None) -> bool:
    """Whether `charset` means UTF-8. Without a charset, it does."""
    return charset is None or charset.strip("\"' ").lower() in _UTF8


def content_length(value: object) -> int | None:
    """Return the value of a Content-Length (RFC 9110 §8.6), or None if it is missing.

    Raises ValueError.
    """
    text = str(value or "")
    if not text:
        return None
    if len(text) > 18 or not (text.isascii() and text.isdecimal()):
        raise ValueError("The Content-Length is not valid.")
    return int(text)


# Charsets that Django decodes in linear time, and that cannot hide markup from filters.
_READABLE = frozenset({"utf-8", "ascii", "iso8859-1", "iso8859-15", "cp1252"})


def is_readable_charset(charset: str | None) -> bool:
    """Whether Django can decode a query string in `charset`, from the Content-Type.

    Django ignores an unknown charset. A name with a null character is refused.
    """
    if charset is None:
        return True
    try:
        return codecs.lookup(charset).name in _READABLE
    except (LookupError, ValueError):
        return "\x00" not in charset
