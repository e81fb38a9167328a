"""Validators of text: plain, rich, e-mail addresses and URLs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.deconstruct import deconstructible

from api_guard.core.flaws import Flaw, FlawError
from api_guard.core.formats import (
    MAX_EMAIL_LENGTH,
    MAX_URL_LENGTH,
    EmailAddress,
    PlainText,
    WebAddress,
)
from api_guard.input.sanitizers import MAX_LENGTH, RichText, preset_named
from api_guard.validators.validator import Validator


def _refuse_change(before: str, after: str) -> None:
    if before != after:
        raise FlawError(Flaw("not_normal", "The text is not in normal form."))


@deconstructible(path="api_guard.validators.PlainTextValidator")
class PlainTextValidator(Validator):
    """The rules of PlainTextField. Text that is not in NFC is refused as `not_normal`."""

    field = "PlainTextField"

    def __init__(
        self,
        *,
        max_length: int = MAX_LENGTH,
        max_bytes: int | None = None,
        newlines: bool = False,
        one_script: bool = False,
        markup: str = "allow",
        invisible: str = "drop",
    ) -> None:
        plain = markup == "allow"
        self.format = PlainText(max_length, max_bytes, newlines, one_script, plain, invisible)
        self.options = {
            "max_length": max_length,
            "max_bytes": max_bytes,
            "newlines": newlines,
            "one_script": one_script,
            "markup": markup,
            "invisible": invisible,
        }

    def refuse(self, value: Any) -> None:
        """Raise FlawError."""
        _refuse_change(str(value), self.format.clean(str(value)))


@deconstructible(path="api_guard.validators.PlainEmailValidator")
class PlainEmailValidator(Validator):
    """The rules of PlainEmailField. A domain must be lower-case ASCII, else `not_normal`."""

    field = "PlainEmailField"

    def __init__(self, *, max_length: int = MAX_EMAIL_LENGTH) -> None:
        self.format = EmailAddress(max_length)
        self.options = {"max_length": max_length}

    def refuse(self, value: Any) -> None:
        """Raise FlawError."""
        _refuse_change(str(value), self.format.clean(str(value)))


@deconstructible(path="api_guard.validators.RichTextValidator")
class RichTextValidator(Validator):
    """The rules of RichTextField. Markup is not cleaned: unclean markup is `unsanitized`."""

    field = "RichTextField"

    def __init__(self, *, preset: str = "comment", max_length: int = MAX_LENGTH) -> None:
        self.rich_text = RichText(preset_named(preset), max_length)
        self.options = {"preset": preset, "max_length": max_length}

    def refuse(self, value: Any) -> None:
        """Raise FlawError."""
        if not self.rich_text.is_clean(str(value)):
            raise FlawError(Flaw("unsanitized", "The markup was not sanitized."))


@deconstructible(path="api_guard.validators.SafeURLValidator")
class SafeURLValidator(Validator):
    """The rules of SafeURLField. A host must be lower-case ASCII, else `not_normal`."""

    field = "SafeURLField"

    def __init__(
        self,
        *,
        max_length: int = MAX_URL_LENGTH,
        schemes: Iterable[str] = ("http", "https"),
        public_only: bool = False,
    ) -> None:
        self.format = WebAddress(max_length, frozenset(schemes), public_only)
        self.options = {
            "max_length": max_length,
            "schemes": tuple(schemes),
            "public_only": public_only,
        }

    def refuse(self, value: Any) -> None:
        """Raise FlawError."""
        _refuse_change(str(value), self.format.clean(str(value)))
