"""Plain text: prose, names, e-mail addresses, slugs and passwords."""

from __future__ import annotations

from typing import Any, Protocol

from django.core.validators import ProhibitNullCharactersValidator, RegexValidator
from rest_framework.fields import CharField, EmailField, SlugField, empty
from rest_framework.validators import ProhibitSurrogateCharactersValidator

from api_guard.core.flaws import FlawError
from api_guard.core.formats import (
    INVISIBLE,
    MAX_EMAIL_LENGTH,
    MAX_PASSWORD_LENGTH,
    EmailAddress,
    Password,
    PlainText,
    Slug,
)
from api_guard.exceptions import GuardError
from api_guard.fields.flaws import as_error, must_be_set

TEXTAREA = {"base_template": "textarea.html"}
_SETTLED = (ProhibitNullCharactersValidator, ProhibitSurrogateCharactersValidator)


class Format(Protocol):
    """Checks the text of a field, and brings it into the form that is stored."""

    def clean(self, text: str) -> str:
        """Return the text to store. Raises FlawError."""


class FormattedField(CharField):
    """Text of one format."""

    format: Format

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # Every format already refuses these characters, and is faster.
        self.validators = [v for v in self.validators if not isinstance(v, _SETTLED)]

    def run_validation(self, data: Any = empty) -> Any:
        """Refuse other types before CharField converts them to text. Raises ValidationError."""
        if data is not empty and data is not None and not isinstance(data, str):
            self.fail("invalid")
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> str:
        """Return the text, trimmed and normalized. Raises ValidationError."""
        try:
            text = self.format.clean(super().to_internal_value(data))
        except FlawError as error:
            raise as_error(error) from error
        if self.trim_whitespace:
            # There may be a space behind an invisible character that was removed.
            text = text.strip()
        if not text and not self.allow_blank:
            self.fail("blank")
        return text


class PlainTextField(FormattedField):
    """Text without control or reordering characters. It is trimmed, in NFC, and never escaped.

    `max_length` is required and counts characters. `max_bytes` counts UTF-8 bytes (default: four
    times `max_length`). `newlines` allows newlines and tabs. `one_script` refuses letters that look
    like letters of another script. `markup="refuse"` refuses a "<" that begins a tag. Invisible
    characters without an effect are removed, kept with `invisible="keep"`, or refused with
    "refuse". Raises GuardError for wrong arguments.
    """

    def __init__(
        self,
        *,
        max_length: int | None = None,
        max_bytes: int | None = None,
        newlines: bool = False,
        one_script: bool = False,
        markup: str = "allow",
        invisible: str = "drop",
        **kwargs: Any,
    ) -> None:
        length = must_be_set(self, "max_length", max_length, "max_length=200", kwargs)
        if invisible not in INVISIBLE:
            name = type(self).__name__
            raise GuardError(
                f"invisible={invisible!r} is not one of {', '.join(map(repr, INVISIBLE))}. "
                f'Write: {name}(max_length=200, invisible="drop")'
            )
        plain = markup == "allow"
        self.format = PlainText(length, max_bytes, newlines, one_script, plain, invisible)
        if newlines:
            kwargs.setdefault("style", TEXTAREA)
        super().__init__(max_length=length, **kwargs)


class PlainEmailField(FormattedField, EmailField):
    """An e-mail address with its domain in lower-case ASCII. The default `max_length` is 254."""

    def __init__(self, *, max_length: int | None = None, **kwargs: Any) -> None:
        length = MAX_EMAIL_LENGTH if max_length is None else max_length
        self.format = EmailAddress(length)
        super().__init__(max_length=length, **kwargs)


class PlainSlugField(FormattedField, SlugField):
    """ASCII letters, digits, hyphens and underscores. `allow_unicode` allows letters of one script.

    Raises GuardError without `max_length`.
    """

    def __init__(
        self, *, max_length: int | None = None, allow_unicode: bool = False, **kwargs: Any
    ) -> None:
        length = must_be_set(self, "max_length", max_length, "max_length=50", kwargs)
        self.format = Slug(length, allow_unicode)
        super().__init__(allow_unicode=allow_unicode, max_length=length, **kwargs)
        if allow_unicode:
            # Django's regular expression refuses vowel signs, which Thai and Hindi need.
            self.validators = [v for v in self.validators if not isinstance(v, RegexValidator)]


class PasswordField(FormattedField):
    """A password, unchanged: not trimmed and not normalized. The field is write-only.

    `max_length` counts characters. The default is 1024, because long passwords are slow to hash.
    """

    def __init__(self, *, max_length: int = MAX_PASSWORD_LENGTH, **kwargs: Any) -> None:
        self.format = Password(max_length)
        kwargs.setdefault("write_only", True)
        kwargs.setdefault("style", {"input_type": "password"})
        super().__init__(max_length=max_length, trim_whitespace=False, **kwargs)
