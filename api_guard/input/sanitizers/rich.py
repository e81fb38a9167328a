"""HTML as a text format: checked as text before and after sanitizing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING

from api_guard import conf
from api_guard.core.flaws import Flaw, FlawError
from api_guard.core.formats import PlainText
from api_guard.core.invisibles import drop_left_over
from api_guard.core.text import normalize
from api_guard.exceptions import GuardError
from api_guard.input.sanitizers.allow_lists import AllowList
from api_guard.input.sanitizers.bounds import SanitizeError
from api_guard.input.sanitizers.cleaning import sanitize

if TYPE_CHECKING:
    from api_guard.conf import Engine

# References as long as the names and numbers of invisible characters.
_REFERENCE = re.compile(r"&(?:#[0-9]{2,7}|#[xX][0-9a-fA-F]{2,6}|[a-zA-Z]{2,21});")


@dataclass(frozen=True)
class RichText:
    """HTML that is cleaned to `allowed` markup. `max_length` counts characters of markup.

    Raises GuardError if `linkify` is set but links are not allowed.
    """

    allowed: AllowList
    max_length: int
    max_bytes: int | None = None
    linkify: bool = False

    def __post_init__(self) -> None:
        if self.linkify and not self.allowed.keeps("a", "href", "/"):
            raise GuardError(
                "linkify=True makes links, but the AllowList removes links. Write: "
                'AllowList(tags=frozenset({"a", ...}), attributes={"a": frozenset({"href"}), ...})'
            )

    def clean(self, markup: str, engine: Engine) -> str:
        """Return the sanitized `markup` in NFC. Raises FlawError."""
        text = PlainText(self.max_length, self.max_bytes, newlines=True)
        written = _REFERENCE.sub(_written_out, markup)
        markup = self._sanitized(text.clean(written), engine)
        # An engine replaces character references, and NFC might combine a character with a tag's
        # ">". So markup is always normalized before it is sanitized, and never after it.
        normal = normalize(drop_left_over(markup))
        if normal != markup:
            markup = self._sanitized(normal, engine)
        text.refuse_flaw(markup)
        try:
            text.refuse_flaw(unescape(markup))
        except ValueError as error:
            if isinstance(error, FlawError):
                raise
            # A character reference with more digits than Python can read.
            raise FlawError(Flaw("invalid", "The markup has an invalid reference '&#'.")) from error
        return markup

    def is_clean(self, markup: str) -> bool:
        """Whether one of the engines would not change `markup`."""
        return any(self._is_left(markup, engine) for engine in _ENGINES)

    def _is_left(self, markup: str, engine: Engine) -> bool:
        try:
            return self.clean(markup, engine) == markup
        except FlawError:
            return False

    def _sanitized(self, markup: str, engine: Engine) -> str:
        try:
            return sanitize(
                markup,
                self.allowed,
                engine=engine,
                max_length=self.max_length,
                linkify=self.linkify,
                max_tags=conf.max_tags(),
            )
        except SanitizeError as error:
            raise FlawError(Flaw(error.code, error.message)) from error


def _written_out(reference: re.Match[str]) -> str:
    """Return the character for a reference to an invisible one. Other references stay."""
    char = unescape(reference[0])
    return char if not drop_left_over(char) else reference[0]


_ENGINES: tuple[Engine, ...] = ("nh3", "bleach")
