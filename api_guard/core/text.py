"""Checks plain text: its characters and its length."""

from __future__ import annotations

import re
import unicodedata

from api_guard.core.flaws import Flaw
from api_guard.core.invisibles import without_meant

# Real words have fewer than 10 marks in a row. UAX #15 says that no language needs 30.
MAX_COMBINING_RUN = 16

_FILLERS = "\u115f\u1160\u3164\uffa0"
_JOINERS = "\u200c\u200d"
# The description of a refused character, by the code of the flaw.
_KINDS = {
    "null_character": "a null character",
    "control_character": "a control character",
    "surrogate": "a lone surrogate",
    "bidi_control": "a character that reorders the text around it",
    "invisible_character": "an invisible character",
    "unassigned_character": "not a Unicode character",
}
# Some invisible characters are allowed: the joiners and variation selectors of emoji, Persian and
# Indic scripts, and the directional marks of Hebrew and Arabic keyboards. Some of the characters
# below are allowed where their script or a flag needs them. Code points that are not assigned yet
# are allowed, because they may become emoji. Code points that are never assigned are refused.
_CHARACTERS = {
    "null_character": r"\x00",
    # U+2028 and U+2029 break lines in JavaScript and in log viewers, as newlines do.
    "control_character": r"\x01-\x1f\x7f-\x9f\u2028\u2029",
    "surrogate": r"\ud800-\udfff",
    "bidi_control": r"\u202a-\u202e\u2066-\u2069",
    "unassigned_character": r"\ufdd0-\ufdef"
    + "".join(rf"\U{plane:04x}fffe\U{plane:04x}ffff" for plane in range(0x11)),
    "invisible_character": r"\u00ad\u115f\u1160\u180e\u200b\u2060-\u2065\u206a-\u206f\u3164\ufeff"
    r"\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff",
}
_REFUSED = {code: re.compile(f"[{chars}]") for code, chars in _CHARACTERS.items()}
# One character class is much faster than five alternatives.
_ANY_REFUSED = re.compile(f"[{''.join(_CHARACTERS.values())}]")
# These blocks have no combining marks, joiners or fillers: Latin, Greek and Cyrillic, punctuation
# and signs, Kana, Han and Hangul. Printable text outside of them may have some.
_UNUSUAL = re.compile(
    "[^\u0000-\u02ff\u0370-\u0482\u048a-\u058f\u1e00-\u1fff\u2010-\u2027\u2030-\u205e\u2070-\u20cf"
    "\u2100-\u2bff\u3000-\u3029\u3030-\u3098\u309b-\u3163\u3165-\u9fff\uac00-\ud7a3\uff01-\uff9f]"
)
_LINE_BREAKS = "\t\n\r\u2028\u2029"
# The start of a tag, a comment or a declaration for an HTML parser.
_MARKUP = re.compile(r"<[a-zA-Z/!?]")


def find_flaw(
    text: str, *, newlines: bool, max_length: int, max_bytes: int, left_over: bool = False
) -> Flaw | None:
    """Return the first reason to refuse `text`, or None.

    `newlines` allows newlines and tabs. `max_length` counts characters, `max_bytes` UTF-8 bytes.
    `left_over` allows invisible characters without an effect.
    """
    if len(text) > max_length:
        return Flaw("max_length", f"The text is longer than {max_length} characters.", None)
    line = text
    # A space for each line break keeps the positions.
    for line_break in _LINE_BREAKS if newlines else "":
        line = line.replace(line_break, " ")
    if line.isprintable() and _UNUSUAL.search(line) is None:
        return _excess_bytes(text, max_bytes)
    letters = set(line)
    # Only fillers and unprintable characters can be refused. Most text has none of them.
    odd = {char for char in letters if char in _FILLERS or not char.isprintable()}
    found = _ANY_REFUSED.search(line) if odd else None
    if found:
        found = _ANY_REFUSED.search(without_meant(line, left_over=left_over))
    if found:
        code = next(code for code, pattern in _REFUSED.items() if pattern.match(found[0]))
        return _refused_character(code, text, found.start())
    return _combining_run(text, letters) or _excess_bytes(text, max_bytes)


def normalize(text: str) -> str:
    """Return the NFC of `text`. Call it only for text without a flaw, because it can be slow."""
    return unicodedata.normalize("NFC", text)


def find_markup(text: str) -> Flaw | None:
    """Return the first place at which an HTML parser would see markup, or None."""
    found = _MARKUP.search(text)
    if found is None:
        return None
    position = found.start()
    return Flaw("markup", f"Markup begins at position {position}: a '<' before a letter.", position)


def _refused_character(code: str, text: str, position: int) -> Flaw:
    name = f"U+{ord(text[position]):04X}"
    return Flaw(code, f"{name} at position {position} is {_KINDS[code]}.", position)


def _combining_run(text: str, letters: set[str]) -> Flaw | None:
    # Joiners count too: a run of them is invisible and has no meaning.
    marks = {char for char in letters if char in _JOINERS or unicodedata.category(char)[0] == "M"}
    run = 0
    for position, char in enumerate(text if marks else ""):
        run = run + 1 if char in marks else 0
        if run > MAX_COMBINING_RUN:
            message = (
                f"More than {MAX_COMBINING_RUN} combining marks in a row, "
                f"up to U+{ord(char):04X} at position {position}."
            )
            return Flaw("combining_run", message, position)
    return None


def _excess_bytes(text: str, max_bytes: int) -> Flaw | None:
    if len(text.encode()) > max_bytes:
        return Flaw("max_bytes", f"The text is longer than {max_bytes} bytes in UTF-8.", None)
    return None
