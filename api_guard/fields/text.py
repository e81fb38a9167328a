"""Plain text: prose, names, e-mail addresses and slugs."""

from __future__ import annotations

from typing import Any, Protocol

from rest_framework.fields import CharField, EmailField, SlugField, empty

from api_guard.core.formats import MAX_EMAIL_LENGTH, EmailAddress, PlainText
from api_guard.fields.flaws import demanded, flaws_as_errors

TEXTAREA = {"base_template": "textarea.html"}


class Format(Protocol):
    """What a field's text must be, and the one form in which it is kept."""

    def clean(self, text: str) -> str:
        """Return the text to keep. Raises FlawError."""


class FormattedField(CharField):
    """Text of one format."""

    format: Format

    def run_validation(self, data: Any = empty) -> Any:
        """Refuse what is no text before CharField makes text of it. Raises ValidationError."""
        if data is not empty and data is not None and not isinstance(data, str):
            self.fail("invalid")
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> str:
        """Return the text trimmed and in its one form. Raises ValidationError."""
        with flaws_as_errors():
            return self.format.clean(super().to_internal_value(data))


class PlainTextField(FormattedField):
    """Text without control, invisible or reordering characters; trimmed, in NFC, never escaped.

    `max_length` counts characters and must be given, `max_bytes` UTF-8 bytes (by default four
    times as many). `newlines` also lets tabs through, `one_script` refuses letters that look like
    those of another script, and `markup="refuse"` a "<" that begins a tag. Raises GuardError when
    declared wrongly.
    """

    def __init__(
        self,
        *,
        max_length: int | None = None,
        max_bytes: int | None = None,
        newlines: bool = False,
        one_script: bool = False,
        markup: str = "allow",
        **kwargs: Any,
    ) -> None:
        length = demanded(self, "max_length", max_length, "max_length=200", kwargs)
        self.format = PlainText(length, max_bytes, newlines, one_script, markup == "allow")
        if newlines:
            kwargs.setdefault("style", TEXTAREA)
        super().__init__(max_length=length, **kwargs)


class PlainEmailField(FormattedField, EmailField):
    """An e-mail address, its domain in lower-case ASCII; of 254 characters, or `max_length`."""

    def __init__(self, *, max_length: int | None = None, **kwargs: Any) -> None:
        length = MAX_EMAIL_LENGTH if max_length is None else max_length
        self.format = EmailAddress(length)
        super().__init__(max_length=length, **kwargs)


class PlainSlugField(FormattedField, SlugField):
    """Letters, digits, hyphens and underscores; with `allow_unicode`, letters of one script.

    Raises GuardError without a `max_length`.
    """

    def __init__(
        self, *, max_length: int | None = None, allow_unicode: bool = False, **kwargs: Any
    ) -> None:
        length = demanded(self, "max_length", max_length, "max_length=50", kwargs)
        self.format = PlainText(length, one_script=True)
        super().__init__(allow_unicode=allow_unicode, max_length=length, **kwargs)
