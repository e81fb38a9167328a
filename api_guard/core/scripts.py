"""Finds letters that only look like others: several scripts in one word, and styled letters."""

from __future__ import annotations

import re
import unicodedata

from api_guard.core.flaws import Flaw

# The name of a letter begins with its script; these begin with something else.
_NAMED_OTHERWISE = {
    "CJK": "HAN",
    "IDEOGRAPHIC": "HAN",
    "VERTICAL": "HAN",
    "HENTAIGANA": "HIRAGANA",
    "MODIFIER": "LATIN",
    "TURNED": "LATIN",
    "ROMAN": "LATIN",
}
_NO_SCRIPT = frozenset("\u0640\u3006\u30fc\u30fb")
# Written together every day: UTS #39 §5.2, "highly restrictive".
_TOGETHER = tuple(
    frozenset(names.split())
    for names in ("LATIN HAN HIRAGANA KATAKANA", "LATIN HAN BOPOMOFO", "LATIN HAN HANGUL")
)
_FIRST_WORD = re.compile(r"[A-Z]+")


def find_lookalike(text: str) -> Flaw | None:
    """Return the first letter or digit by which `text` is not of one script, or None.

    Japanese, Chinese and Korean may mix their scripts, and Latin with them.
    """
    if text.isascii():
        return None
    scripts: set[str] = set()
    zeros: set[int] = set()
    for position, char in enumerate(text):
        if unicodedata.category(char)[0] not in "LN":
            continue
        if unicodedata.decomposition(char).startswith("<"):
            message = f"{_name(char)} at position {position} is another character in disguise."
            return Flaw("lookalike", message, position)
        value = unicodedata.decimal(char, None)
        if value is not None:
            # The digits of one script follow one another.
            zeros.add(ord(char) - value)
        elif char not in _NO_SCRIPT:
            scripts.add(_script(char))
        if len(zeros) > 1 or (len(scripts) > 1 and not any(scripts <= set_ for set_ in _TOGETHER)):
            message = f"{_name(char)} at position {position} is of another script than the rest."
            return Flaw("mixed_scripts", message, position)
    return None


def _script(char: str) -> str:
    word = _FIRST_WORD.match(unicodedata.name(char, "UNKNOWN"))
    first = word[0] if word else "UNKNOWN"
    return _NAMED_OTHERWISE.get(first, first)


def _name(char: str) -> str:
    return f"U+{ord(char):04X}"
