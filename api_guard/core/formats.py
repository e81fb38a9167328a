"""Kinds of text: what each lets through, and the one form in which it keeps it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from api_guard.core.flaws import Flaw, FlawError
from api_guard.core.invisibles import drop_left_over, drop_unseen, is_blank, stripped
from api_guard.core.scripts import find_lookalike
from api_guard.core.text import find_flaw, find_markup, normalize
from api_guard.core.urls import read_host, read_url
from api_guard.core.words import words

# RFC 5321 §4.5.3.1, and RFC 3696's erratum for the whole.
MAX_EMAIL_LENGTH = 254
_MAX_LOCAL_PART = 64
MAX_URL_LENGTH = 2000
# RFC 5322's dot-atom. A quoted local part may hold anything, markup too, and nobody has one.
_LOCAL_PART = re.compile(r"[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+)*")


_ASCII_SLUG = re.compile(r"[a-zA-Z0-9_-]*")

# Joiners, which PlainText leaves only where letters join, and what stands in words of Tibetan,
# Catalan, Hebrew and Japanese, in names of the DNS too (RFC 5892 §2.6).
_WITHIN_WORDS = "\u200c\u200d\u00b7\u05f3\u05f4\u0f0b\u30fb"
# What becomes of an invisible character that does nothing where it stands.
INVISIBLE = ("drop", "keep", "refuse")
MAX_PASSWORD_LENGTH = 1024


@dataclass(frozen=True)
class PlainText:
    """Text without control or reordering characters; see `find_flaw`.

    `max_bytes` is four times `max_length` where it is None. `one_script` refuses letters of several
    scripts, `allow_markup=False` what an HTML parser would read as markup. `invisible` says what
    becomes of characters such as a soft hyphen: one of INVISIBLE.
    """

    max_length: int
    max_bytes: int | None = None
    newlines: bool = False
    one_script: bool = False
    allow_markup: bool = True
    invisible: str = "drop"

    def clean(self, text: str) -> str:
        """Return `text` in NFC, "" where there is nothing to see in it. Raises FlawError."""
        is_simple = text.isascii() and text.isprintable() and self.allow_markup
        if is_simple and not self.one_script and len(text) <= min(self.max_length, self._most):
            return text  # most text: none of what follows would find or change anything
        shown = text
        if self.invisible == "drop" and not text.isascii():
            shown = drop_unseen(text) if self.one_script else drop_left_over(text)
        self._refuse_flaw(shown, text)
        normal = normalize(shown)
        # NFC takes a few characters apart, so that the text may have grown.
        if normal != shown:
            self.refuse_flaw(normal)
        flaw = find_lookalike(normal) if self.one_script else None
        flaw = flaw or (None if self.allow_markup else find_markup(normal))
        if flaw:
            raise FlawError(flaw)
        return "" if not normal.isspace() and is_blank(normal) else normal

    def refuse_flaw(self, text: str) -> None:
        """Raise FlawError for the first character, or the size, that is refused."""
        self._refuse_flaw(text, text)

    def _refuse_flaw(self, text: str, sent: str) -> None:
        flaw = self._flaw(text, self.max_length)
        if flaw and flaw.position is not None and text != sent:
            # By its position in what was sent.
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
    """A secret, which is kept exactly as it came: to change it is to lock its owner out."""

    max_length: int = MAX_PASSWORD_LENGTH

    def clean(self, text: str) -> str:
        """Return `text`. Raises FlawError for what no database and no hash can take."""
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
            message = f"A lone surrogate stands at position {error.start}."
            raise FlawError(Flaw("surrogate", message, error.start)) from error
        return text


@dataclass(frozen=True)
class Slug:
    """Letters, marks, digits, hyphens and underscores: of ASCII, or of any one script."""

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
                raise FlawError(Flaw("invalid", f"{name} cannot stand in a slug.", position))
        return text

    def _may_stand(self, char: str, *, first: bool) -> bool:
        if char.isascii():
            return char.isalnum() or char in "-_"
        is_inner = unicodedata.category(char)[0] == "M" or char in _WITHIN_WORDS
        return self.allow_unicode and (char.isalnum() or (is_inner and not first))


@dataclass(frozen=True)
class EmailAddress:
    """An address whose local part is in ASCII and unquoted, at a name of the DNS."""

    max_length: int = MAX_EMAIL_LENGTH

    def clean(self, text: str) -> str:
        """Return `text` with its domain in lower-case ASCII. Raises FlawError."""
        plain = PlainText(self.max_length, invisible="refuse")
        # What is copied out of a mail or a chat comes with invisible characters around it.
        local, at, domain = plain.clean(stripped(text)).rpartition("@")
        if not at or len(local) > _MAX_LOCAL_PART or not _LOCAL_PART.fullmatch(local):
            raise FlawError(Flaw("invalid", "Enter a valid email address."))
        host = read_host(domain)
        if "." not in host or host[-1].isdigit():
            raise FlawError(Flaw("invalid", "Enter a valid email address."))
        return f"{local}@{host}"


@dataclass(frozen=True)
class WebAddress:
    """A URL with one of the `schemes`; with `public_only`, of a host on the public internet."""

    max_length: int = MAX_URL_LENGTH
    schemes: frozenset[str] = words("http https")
    public_only: bool = False

    def clean(self, text: str) -> str:
        """Return `text` with its host in lower-case ASCII. Raises FlawError."""
        plain = PlainText(self.max_length, invisible="refuse")
        text = plain.clean(stripped(text))
        url = read_url(text, schemes=self.schemes, public_only=self.public_only)
        return plain.clean(str(url))
