"""What can be wrong with a body, and the one encoding it may have."""

from __future__ import annotations


class BodyError(ValueError):
    """A body that is refused."""


class Malformed(BodyError):
    """It is not what it says it is."""


class OverLimit(BodyError):
    """It exceeds a limit."""


def decoded(body: bytes) -> str:
    """Return `body` read as UTF-8. Raise Malformed."""
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"The body is not UTF-8: byte {error.start} is wrong.") from None
