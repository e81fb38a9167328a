"""Serializer fields for text that comes from outside."""

from __future__ import annotations

from html import unescape
from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.fields import CharField, empty

from api_guard import conf
from api_guard.core.scopes import did_you_mean
from api_guard.core.text import find_flaw, normalize
from api_guard.exceptions import GuardError
from api_guard.sanitizers import PRESETS, AllowList, SanitizeError, sanitize


class _TextField(CharField):
    def __init__(
        self, *, newlines: bool, max_length: int | None, max_bytes: int | None, **kwargs: Any
    ) -> None:
        if max_length is None:
            name = type(self).__name__
            raise GuardError(f"{name} needs a max_length. Write: {name}(max_length=200)")
        self.newlines = newlines
        self.max_characters = max_length
        self.max_bytes = 4 * max_length if max_bytes is None else max_bytes
        super().__init__(max_length=max_length, **kwargs)

    def run_validation(self, data: Any = empty) -> Any:
        """Refuse what is no text before CharField makes text of it. Raises ValidationError."""
        if data is not empty and data is not None and not isinstance(data, str):
            self.fail("invalid")
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> str:
        """Return the text trimmed and in NFC. Raises ValidationError."""
        text = super().to_internal_value(data)
        self._refuse_flaw(text)
        normal = normalize(text)
        # NFC takes a few characters apart, so that the text may have grown.
        if normal != text:
            self._refuse_flaw(normal)
        return normal

    def _refuse_flaw(self, text: str) -> None:
        flaw = find_flaw(
            text,
            newlines=self.newlines,
            max_length=self.max_characters,
            max_bytes=self.max_bytes,
        )
        if flaw:
            raise ValidationError(flaw.message, code=flaw.code)


class PlainTextField(_TextField):
    """Text without control, invisible or reordering characters; trimmed, in NFC, never escaped.

    `max_length` counts characters and must be given, `max_bytes` UTF-8 bytes (by default four
    times as many). `newlines` also lets tabs through. Raises GuardError when declared wrongly.
    """

    def __init__(
        self,
        *,
        max_length: int | None = None,
        max_bytes: int | None = None,
        newlines: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(newlines=newlines, max_length=max_length, max_bytes=max_bytes, **kwargs)


class RichTextField(_TextField):
    """HTML of which only a preset ("inline", "comment", "article") or an AllowList is left.

    `max_length` counts characters of markup, before and after sanitizing, and must be given.
    Raises GuardError when declared wrongly.
    """

    def __init__(
        self,
        *,
        max_length: int | None = None,
        max_bytes: int | None = None,
        preset: str = "comment",
        allowed: AllowList | None = None,
        **kwargs: Any,
    ) -> None:
        if preset not in PRESETS:
            known = ", ".join(repr(name) for name in PRESETS)
            hint = did_you_mean(preset, PRESETS)
            raise GuardError(f"No preset is named {preset!r}.{hint} The presets: {known}.")
        self.allowed = PRESETS[preset] if allowed is None else allowed
        super().__init__(newlines=True, max_length=max_length, max_bytes=max_bytes, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Return the markup sanitized. Raises ValidationError."""
        markup = self._sanitized(super().to_internal_value(data))
        # An engine writes out references to characters, and NFC might join one to a tag's ">".
        # So markup is only ever sanitized after it was put in NFC, never the other way round.
        normal = normalize(markup)
        if normal != markup:
            markup = self._sanitized(normal)
        self._refuse_flaw(markup)
        try:
            self._refuse_flaw(unescape(markup))
        except ValueError:
            # A reference to a character with more digits than Python reads.
            self.fail("invalid")
        if not self.allow_blank and not markup.strip():
            self.fail("blank")
        return markup

    def _sanitized(self, markup: str) -> str:
        engine = conf.sanitizer()
        try:
            return sanitize(markup, self.allowed, engine=engine, max_length=self.max_characters)
        except SanitizeError as error:
            raise ValidationError(error.message, code=error.code) from error
