"""What is wrong with a body."""

from __future__ import annotations


class BodyError(ValueError):
    """A body that is refused."""


class Malformed(BodyError):
    """It is not what it says it is."""


class OverLimit(BodyError):
    """It holds more than may be."""
