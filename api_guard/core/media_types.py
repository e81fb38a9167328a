"""What the fields that describe a body may say."""

from __future__ import annotations

import codecs

_UTF8 = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})


def is_utf8(charset: str | None) -> bool:
    """Whether text said to be in `charset` is UTF-8, as it is where nothing is said."""
    return charset is None or charset.strip("\"' ").lower() in _UTF8


def content_length(value: object) -> int | None:
    """Read a Content-Length (RFC 9110 §8.6). Return None where there is none.

    Raises ValueError.
    """
    text = str(value or "")
    if not text:
        return None
    if len(text) > 18 or not (text.isascii() and text.isdecimal()):
        raise ValueError("The Content-Length is none.")
    return int(text)


# What Django can read a query string in, in a time that grows with its length, without markup in
# characters that no filter looks for.
_READABLE = frozenset({"utf-8", "ascii", "iso8859-1", "iso8859-15", "cp1252"})


def is_readable_charset(charset: str | None) -> bool:
    """Whether Django can read a query string in `charset`, which a Content-Type names.

    An encoding that it does not know it takes no notice of; a name may also be none at all.
    """
    if charset is None:
        return True
    try:
        return codecs.lookup(charset).name in _READABLE
    except (LookupError, ValueError):
        return "\x00" not in charset
