"""Turns flaws into DRF's errors, and checks required arguments of fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rest_framework.exceptions import ValidationError

from api_guard.core.flaws import FlawError
from api_guard.exceptions import GuardError

# The number of errors that are reported for a list or a mapping.
MAX_ERRORS = 10
_MAX_ECHO = 100


@contextmanager
def flaws_as_errors() -> Iterator[None]:
    """Raise ValidationError, with the same code, instead of FlawError."""
    try:
        yield
    except FlawError as error:
        raise as_error(error) from error


def as_error(error: FlawError) -> ValidationError:
    """Return a flaw as DRF's ValidationError."""
    return ValidationError(error.flaw.message, code=error.flaw.code)


def must_be_set(
    field: object, name: str, value: int | None, example: str, kwargs: Mapping[str, Any]
) -> int:
    """Return the limit of a field. Raises GuardError if it is missing.

    A read-only field needs no limit.
    """
    if value is None and kwargs.get("read_only") is not True:
        declared = type(field).__name__
        raise GuardError(f"{declared} needs a {name}. Write: {declared}({example})")
    return value or 0


def echoed(key: object) -> str:
    """Return a key that a client sent, shortened and encodable, to send it back."""
    return str(key)[:_MAX_ECHO].encode("utf-8", "backslashreplace").decode()
