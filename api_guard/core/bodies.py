"""Errors of a body, and its decoding: a body must be UTF-8."""

from __future__ import annotations


class BodyError(ValueError):
    """A body that is refused."""


class Malformed(BodyError):
    """The body is not in its declared format."""


class OverLimit(BodyError):
    """The body exceeds a limit."""


def decoded(body: bytes) -> str:
    """Return `body` decoded as UTF-8. Raise Malformed."""
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"The body is not UTF-8: byte {error.start} is wrong.") from None
