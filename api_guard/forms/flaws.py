"""Turns flaws into errors of Django's forms."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ValidationError

from api_guard.core.flaws import FlawError


@contextmanager
def flaws_as_errors() -> Iterator[None]:
    """Raise Django's ValidationError, with the same code, instead of FlawError."""
    try:
        yield
    except FlawError as error:
        raise ValidationError(error.flaw.message, code=error.flaw.code) from error
