"""Text formats: what each format accepts, and its normal form."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from api_guard.core.flaws import Flaw, FlawError
from api_guard.core.invisibles import drop_left_over, drop_unseen, is_blank, stripped
from api_guard.core.names import words
from api_guard.core.scripts import find_lookalike
from api_guard.core.text import find_flaw, find_markup, normalize
from api_guard.core.urls import read_host, read_url

# RFC 5321 §4.5.3.1, and the erratum of RFC 3696 for the whole address.
MAX_EMAIL_LENGTH = 254
_MAX_LOCAL_PART = 64
MAX_URL_LENGTH = 2000
# The dot-atom of RFC 5322. A quoted local part may contain anything, also markup. Nobody uses it.
_LOCAL_PART = re.compile(r"[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+)*")


_ASCII_SLUG = re.compile(r"[a-zA-Z0-9_-]*")

# Joiners (PlainText keeps them only between joining letters), and signs inside words of Tibetan,
# Catalan, Hebrew and Japanese, which DNS names may also contain (RFC 5892 §2.6).
_WITHIN_WORDS = "\u200c\u200d\u00b7\u05f3\u05f4\u0f0b\u30fb"
# What to do with an invisible character that has no effect.
INVISIBLE = ("drop", "keep", "refuse")
MAX_PASSWORD_LENGTH = 1024


@dataclass(frozen=True)
class PlainText:
    """Text without control or reordering characters. See `find_flaw`.

    If `max_bytes` is None, it is four times `max_length`. `one_script` refuses letters of several
    scripts. `allow_markup=False` refuses HTML markup. `invisible` is one of INVISIBLE, for
    characters such as a soft hyphen.
    """

    max_length: int
    max_bytes: int | None = None
    newlines: bool = False
    one_script: bool = False
    allow_markup: bool = True
    invisible: str = "drop"

    def clean(self, text: str) -> str:
        """Return `text` in NFC, or "" if it has no visible character. Raises FlawError."""
        is_simple = text.isascii() and text.isprintable() and self.allow_markup
        if is_simple and not self.one_script and len(text) <= min(self.max_length, self._most):
            return text  # most text: the checks below would find and change nothing
        shown = text
        if self.invisible == "drop" and not text.isascii():
            shown = drop_unseen(text) if self.one_script else drop_left_over(text)
        self._refuse_flaw(shown, text)
        normal = normalize(shown)
        # NFC splits a few characters, so the text may be longer now.
        if normal != shown:
            self.refuse_flaw(normal)
        flaw = find_lookalike(normal) if self.one_script else None
        flaw = flaw or (None if self.allow_markup else find_markup(normal))
        if flaw:
            raise FlawError(flaw)
        return "" if not normal.isspace() and is_blank(normal) else normal

    def refuse_flaw(self, text: str) -> None:
        """Raise FlawError for the first refused character or for the size."""
        self._refuse_flaw(text, text)

    def _refuse_flaw(self, text: str, sent: str) -> None:
        flaw = self._flaw(text, self.max_length)
        if flaw and flaw.position is not None and text != sent:
            # With the position in the original text.
            flaw = self._flaw(sent, len(sent)) or flaw
        if flaw:
            raise FlawError(flaw)

    @property
    def _most(self) -> int:
        return 4 * self.max_length if self.max_bytes is None else self.max_bytes

    def _flaw(self, text: str, max_length: int) -> Flaw | None:
        most = 4 * max_length if self.max_bytes is None else self.max_bytes
        return find_flaw(
            text,
            newlines=self.newlines,
            max_length=max_length,
            max_bytes=most,
            left_over=self.invisible != "refuse",
        )


@dataclass(frozen=True)
class Password:
    """A password, which is not changed, because its owner could not sign in any more."""

    max_length: int = MAX_PASSWORD_LENGTH

    def clean(self, text: str) -> str:
        """Return `text`. Raises FlawError for text that a database or a hasher cannot process."""
        if len(text) > self.max_length:
            message = f"The password is longer than {self.max_length} characters."
            raise FlawError(Flaw("max_length", message))
        position = text.find("\x00")
        if position >= 0:
            message = f"U+0000 at position {position} is a null character."
            raise FlawError(Flaw("null_character", message, position))
        try:
            text.encode()
        except UnicodeEncodeError as error:
            message = f"There is a lone surrogate at position {error.start}."
            raise FlawError(Flaw("surrogate", message, error.start)) from error
        return text


@dataclass(frozen=True)
class Slug:
    """ASCII letters, digits, hyphens and underscores, or letters and marks of any one script."""

    max_length: int
    allow_unicode: bool = False

    def clean(self, text: str) -> str:
        """Return `text` in NFC. Raises FlawError."""
        if len(text) <= self.max_length and _ASCII_SLUG.fullmatch(text):
            return text
        text = PlainText(self.max_length, one_script=True).clean(text)
        for position, char in enumerate(text):
            if not self._may_stand(char, first=position == 0):
                name = f"U+{ord(char):04X} at position {position}"
                raise FlawError(Flaw("invalid", f"{name} is not allowed in a slug.", position))
        return text

    def _may_stand(self, char: str, *, first: bool) -> bool:
        if char.isascii():
            return char.isalnum() or char in "-_"
        is_inner = unicodedata.category(char)[0] == "M" or char in _WITHIN_WORDS
        return self.allow_unicode and (char.isalnum() or (is_inner and not first))


@dataclass(frozen=True)
class EmailAddress:
    """An e-mail address with an unquoted ASCII local part and a DNS name."""

    max_length: int = MAX_EMAIL_LENGTH

    def clean(self, text: str) -> str:
        """Return `text` with its domain in lower-case ASCII. Raises FlawError."""
        plain = PlainText(self.max_length, invisible="refuse")
        # An address that is copied from a mail or a chat may have invisible characters around it.
        local, at, domain = plain.clean(stripped(text)).rpartition("@")
        if not at or len(local) > _MAX_LOCAL_PART or not _LOCAL_PART.fullmatch(local):
            raise FlawError(Flaw("invalid", "Enter a valid email address."))
        host = read_host(domain)
        if "." not in host or host[-1].isdigit():
            raise FlawError(Flaw("invalid", "Enter a valid email address."))
        return f"{local}@{host}"


@dataclass(frozen=True)
class WebAddress:
    """A URL with one of the `schemes`. With `public_only`, its host must be public."""

    max_length: int = MAX_URL_LENGTH
    schemes: frozenset[str] = words("http https")
    public_only: bool = False

    def clean(self, text: str) -> str:
        """Return `text` with its host in lower-case ASCII. Raises FlawError."""
        plain = PlainText(self.max_length, invisible="refuse")
        text = plain.clean(stripped(text))
        url = read_url(text, schemes=self.schemes, public_only=self.public_only)
        return plain.clean(str(url))
