"""The errors of a request body. It must be UTF-8."""

from __future__ import annotations


class BodyError(ValueError):
    """A body that is refused."""


class Malformed(BodyError):
    """The body does not have the format of its content type."""


class OverLimit(BodyError):
    """The body exceeds a limit."""


def decoded(body: bytes) -> str:
    """Return `body`, decoded as UTF-8. Raises Malformed."""
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"The body is not UTF-8: byte {error.start} is not valid.") from None
