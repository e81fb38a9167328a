"""What the fields that describe a body may say."""

from __future__ import annotations

import codecs
from email.message import Message

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


def is_readable(content_type: str) -> bool:
    """Whether Django can build a request around a Content-Type field without failing or hanging.

    It looks up the charset, reads the query string in it, and decodes parameters that are written
    as `name*=charset'language'value` (RFC 8187). This asks for no more than it could answer.
    """
    if ";" not in content_type:
        return True
    if "*" in content_type or not content_type.isascii():
        return False
    message = Message()
    message["content-type"] = content_type
    charset = message.get_param("charset")
    if charset is None:
        return True
    try:
        return codecs.lookup(str(charset)).name in _READABLE
    except (LookupError, ValueError):
        # Django takes no notice of an encoding that it does not know; a name may be none at all.
        return "\x00" not in str(charset)
