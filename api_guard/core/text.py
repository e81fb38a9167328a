"""Judges plain text: which characters it may hold, and how much of it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

# Real words stay below 10 marks in a row; UAX #15 calls 30 more than any language needs.
MAX_COMBINING_RUN = 16

_JOINERS = "\u200c\u200d"


def _refused(control_characters: str) -> re.Pattern[str]:
    # The groups are named as the codes of the flaws. Left alone, though invisible: the joiners
    # and variation selectors of emoji, Persian and Indic scripts, and the directional marks
    # that Hebrew and Arabic keyboards write.
    return re.compile(
        r"(?P<null_character>\x00)"
        rf"|(?P<control_character>[{control_characters}\x7f-\x9f])"
        r"|(?P<surrogate>[\ud800-\udfff])"
        r"|(?P<bidi_control>[\u202a-\u202e\u2066-\u2069])"
        r"|(?P<invisible_character>[\u00ad\u115f\u1160\u180e\u200b\u2060-\u2064\u206a-\u206f"
        r"\u3164\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e007f])"
    )


# U+2028 and U+2029 break lines in JavaScript and in log viewers, so they count as newlines.
_REFUSED_IN_A_LINE = _refused(r"\x01-\x1f\u2028\u2029")
_REFUSED_IN_LINES = _refused(r"\x01-\x08\x0b\x0c\x0e-\x1f")
_KINDS = {
    "null_character": "a null character",
    "control_character": "a control character",
    "surrogate": "a lone surrogate",
    "bidi_control": "a character that reorders the text around it",
    "invisible_character": "an invisible character",
    "unassigned_character": "no character of Unicode",
}


@dataclass(frozen=True)
class Flaw:
    """Why a text is refused; `position` counts characters from 0, and is None for its size."""

    code: str
    message: str
    position: int | None


def find_flaw(text: str, *, newlines: bool, max_length: int, max_bytes: int) -> Flaw | None:
    """Return the first reason to refuse `text`, or None.

    `newlines` also lets tabs through, `max_length` counts characters, `max_bytes` UTF-8 bytes.
    """
    if len(text) > max_length:
        return Flaw("max_length", f"The text is longer than {max_length} characters.", None)
    if text.isascii() and text.isprintable():
        return _excess_bytes(text, max_bytes)
    found = (_REFUSED_IN_LINES if newlines else _REFUSED_IN_A_LINE).search(text)
    if found:
        return _refused_character(str(found.lastgroup), text, found.start())
    letters = set(text)
    unassigned = {
        char for char in letters if not char.isprintable() and unicodedata.category(char) == "Cn"
    }
    if unassigned:
        position = next(index for index, char in enumerate(text) if char in unassigned)
        return _refused_character("unassigned_character", text, position)
    return _combining_run(text, letters) or _excess_bytes(text, max_bytes)


def normalize(text: str) -> str:
    """Return the NFC of `text`; only call it on text without a flaw, for it can be slow."""
    return unicodedata.normalize("NFC", text)


def _refused_character(code: str, text: str, position: int) -> Flaw:
    name = f"U+{ord(text[position]):04X}"
    return Flaw(code, f"{name} at position {position} is {_KINDS[code]}.", position)


def _combining_run(text: str, letters: set[str]) -> Flaw | None:
    # Joiners count too: a run of them is as invisible as it is meaningless.
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
