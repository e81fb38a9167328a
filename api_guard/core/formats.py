"""Kinds of text: what each lets through, and the one form in which it keeps it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from api_guard.core.flaws import Flaw, FlawError
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


@dataclass(frozen=True)
class PlainText:
    """Text without control, invisible or reordering characters; see `find_flaw`.

    `max_bytes` is four times `max_length` where it is None. `one_script` refuses letters of several
    scripts, `allow_markup=False` what an HTML parser would read as markup.
    """

    max_length: int
    max_bytes: int | None = None
    newlines: bool = False
    one_script: bool = False
    allow_markup: bool = True

    def clean(self, text: str) -> str:
        """Return `text` in NFC. Raises FlawError."""
        self.refuse_flaw(text)
        normal = normalize(text)
        # NFC takes a few characters apart, so that the text may have grown.
        if normal != text:
            self.refuse_flaw(normal)
        flaw = find_lookalike(normal) if self.one_script else None
        flaw = flaw or (None if self.allow_markup else find_markup(normal))
        if flaw:
            raise FlawError(flaw)
        return normal

    def refuse_flaw(self, text: str) -> None:
        """Raise FlawError for the first character, or the size, that is refused."""
        most = 4 * self.max_length if self.max_bytes is None else self.max_bytes
        flaw = find_flaw(text, newlines=self.newlines, max_length=self.max_length, max_bytes=most)
        if flaw:
            raise FlawError(flaw)


@dataclass(frozen=True)
class EmailAddress:
    """An address whose local part is in ASCII and unquoted, at a name of the DNS."""

    max_length: int = MAX_EMAIL_LENGTH

    def clean(self, text: str) -> str:
        """Return `text` with its domain in lower-case ASCII. Raises FlawError."""
        local, at, domain = PlainText(self.max_length).clean(text).rpartition("@")
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
        plain = PlainText(self.max_length)
        text = plain.clean(text)
        url = read_url(text, schemes=self.schemes, public_only=self.public_only)
        return plain.clean(str(url))
