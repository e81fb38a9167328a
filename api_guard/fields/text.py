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
    """What a field's text must be, and the one form in which it is kept."""

    def clean(self, text: str) -> str:
        """Return the text to keep. Raises FlawError."""


class FormattedField(CharField):
    """Text of one format."""

    format: Format

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # Every format refuses what these would look for once more, one character at a time.
        self.validators = [v for v in self.validators if not isinstance(v, _SETTLED)]

    def run_validation(self, data: Any = empty) -> Any:
        """Refuse what is no text before CharField makes text of it. Raises ValidationError."""
        if data is not empty and data is not None and not isinstance(data, str):
            self.fail("invalid")
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> str:
        """Return the text trimmed and in its one form. Raises ValidationError."""
        try:
            text = self.format.clean(super().to_internal_value(data))
        except FlawError as error:
            raise as_error(error) from error
        if self.trim_whitespace:
            # What stood behind an invisible character may be a space.
            text = text.strip()
        if not text and not self.allow_blank:
            self.fail("blank")
        return text


class PlainTextField(FormattedField):
    """Text without control or reordering characters; trimmed, in NFC, never escaped.

    `max_length` counts characters and must be given, `max_bytes` UTF-8 bytes (by default four
    times as many). `newlines` also lets tabs through, `one_script` refuses letters that look like
    those of another script, and `markup="refuse"` a "<" that begins a tag. Invisible characters
    that do nothing where they stand are left out, or `invisible="keep"` or "refuse". Raises
    GuardError when declared wrongly.
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
                f"invisible={invisible!r} is none of {', '.join(map(repr, INVISIBLE))}. "
                f'Write: {name}(max_length=200, invisible="drop")'
            )
        plain = markup == "allow"
        self.format = PlainText(length, max_bytes, newlines, one_script, plain, invisible)
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
        length = must_be_set(self, "max_length", max_length, "max_length=50", kwargs)
        self.format = Slug(length, allow_unicode)
        super().__init__(allow_unicode=allow_unicode, max_length=length, **kwargs)
        if allow_unicode:
            # Django's expression has no vowel signs, without which Thai and Hindi are not written.
            self.validators = [v for v in self.validators if not isinstance(v, RegexValidator)]


class PasswordField(FormattedField):
    """A password, exactly as it came: neither trimmed nor in another form; write-only.

    `max_length` counts characters, 1024 by default: a hash has to be computed of all of them.
    """

    def __init__(self, *, max_length: int = MAX_PASSWORD_LENGTH, **kwargs: Any) -> None:
        self.format = Password(max_length)
        kwargs.setdefault("write_only", True)
        kwargs.setdefault("style", {"input_type": "password"})
        super().__init__(max_length=max_length, trim_whitespace=False, **kwargs)
