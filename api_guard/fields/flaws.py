"""Hands a flaw to DRF, with its code; and says what a field must be told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rest_framework.exceptions import ValidationError

from api_guard.core.flaws import FlawError
from api_guard.exceptions import GuardError

# So many of a list's or a mapping's errors are told.
MAX_ERRORS = 10
_MAX_ECHO = 100


@contextmanager
def flaws_as_errors() -> Iterator[None]:
    """Raise ValidationError, with the same code, in place of FlawError."""
    try:
        yield
    except FlawError as error:
        raise as_error(error) from error


def as_error(error: FlawError) -> ValidationError:
    """Return what DRF's callers know a flaw by."""
    return ValidationError(error.flaw.message, code=error.flaw.code)


def must_be_set(
    field: object, name: str, value: int | None, example: str, kwargs: Mapping[str, Any]
) -> int:
    """Return the limit that a field has to be declared with. Raises GuardError.

    What is read-only judges nothing, and needs none.
    """
    if value is None and kwargs.get("read_only") is not True:
        declared = type(field).__name__
        raise GuardError(f"{declared} needs a {name}. Write: {declared}({example})")
    return value or 0


def echoed(key: object) -> str:
    """Return a key that a client sent, short enough to be sent back, and encodable."""
    return str(key)[:_MAX_ECHO].encode("utf-8", "backslashreplace").decode()
