"""Plain text, rich text, e-mail addresses, slugs, passwords and URLs in forms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.validators import RegexValidator

from api_guard import conf
from api_guard.core.formats import (
    MAX_EMAIL_LENGTH,
    MAX_PASSWORD_LENGTH,
    MAX_URL_LENGTH,
    EmailAddress,
    Password,
    PlainText,
    Slug,
    WebAddress,
)
from api_guard.forms.flaws import flaws_as_errors
from api_guard.input.sanitizers import AllowList, RichText, preset_named


class PlainTextField(forms.CharField):
    """The form field with the rules of the serializer field of this name."""

    def __init__(
        self,
        *,
        max_length: int,
        max_bytes: int | None = None,
        newlines: bool = False,
        one_script: bool = False,
        markup: str = "allow",
        invisible: str = "drop",
        **kwargs: Any,
    ) -> None:
        plain = markup == "allow"
        self.format = PlainText(max_length, max_bytes, newlines, one_script, plain, invisible)
        if newlines:
            kwargs.setdefault("widget", forms.Textarea)
        super().__init__(max_length=max_length, **kwargs)

    def to_python(self, value: Any) -> str:
        """Return the normalized text. Raises ValidationError."""
        text = str(super().to_python(value) or "")
        with flaws_as_errors():
            text = self.format.clean(text)
        # There may be a space behind an invisible character that was removed.
        return text.strip() if self.strip else text


class PlainEmailField(forms.EmailField):
    """The form field with the rules of the serializer field of this name."""

    def __init__(self, *, max_length: int = MAX_EMAIL_LENGTH, **kwargs: Any) -> None:
        self.format = EmailAddress(max_length)
        super().__init__(max_length=max_length, **kwargs)

    def to_python(self, value: Any) -> str:
        """Return the normalized address. Raises ValidationError."""
        text = str(super().to_python(value) or "")
        with flaws_as_errors():
            return self.format.clean(text) if text else text


class PlainSlugField(forms.SlugField):
    """The form field with the rules of the serializer field of this name."""

    def __init__(self, *, max_length: int, allow_unicode: bool = False, **kwargs: Any) -> None:
        self.format = Slug(max_length, allow_unicode)
        super().__init__(max_length=max_length, allow_unicode=allow_unicode, **kwargs)
        if allow_unicode:
            self.validators = [v for v in self.validators if not isinstance(v, RegexValidator)]

    def to_python(self, value: Any) -> str:
        """Return the normalized slug. Raises ValidationError."""
        text = str(super().to_python(value) or "")
        with flaws_as_errors():
            return self.format.clean(text)


class PasswordField(forms.CharField):
    """The form field with the rules of the serializer field of this name."""

    widget = forms.PasswordInput

    def __init__(self, *, max_length: int = MAX_PASSWORD_LENGTH, **kwargs: Any) -> None:
        self.format = Password(max_length)
        super().__init__(max_length=max_length, strip=False, **kwargs)

    def to_python(self, value: Any) -> str:
        """Return the unchanged password. Raises ValidationError."""
        text = str(super().to_python(value) or "")
        with flaws_as_errors():
            return self.format.clean(text)


class SafeURLField(forms.CharField):
    """The form field with the rules of the serializer field of this name."""

    widget = forms.URLInput

    def __init__(
        self,
        *,
        max_length: int = MAX_URL_LENGTH,
        schemes: Iterable[str] = ("http", "https"),
        public_only: bool = False,
        **kwargs: Any,
    ) -> None:
        self.format = WebAddress(max_length, frozenset(schemes), public_only)
        super().__init__(max_length=max_length, **kwargs)

    def to_python(self, value: Any) -> str:
        """Return the normalized URL. Raises ValidationError."""
        text = str(super().to_python(value) or "")
        with flaws_as_errors():
            return self.format.clean(text) if text else text


class RichTextField(forms.CharField):
    """As the serializer field of this name: markup that is not allowed is removed."""

    widget = forms.Textarea

    def __init__(
        self,
        *,
        max_length: int,
        max_bytes: int | None = None,
        preset: str = "comment",
        allowed: AllowList | None = None,
        linkify: bool = False,
        **kwargs: Any,
    ) -> None:
        lists = preset_named(preset) if allowed is None else allowed
        self.rich_text = RichText(lists, max_length, max_bytes, linkify)
        super().__init__(max_length=max_length, **kwargs)

    def to_python(self, value: Any) -> str:
        """Return the sanitized markup. Raises ValidationError."""
        text = str(super().to_python(value) or "")
        with flaws_as_errors():
            return self.rich_text.clean(text, conf.sanitizer()).strip()
