"""Finds lookalike letters: several scripts in one word, and styled letters."""

from __future__ import annotations

import re
import unicodedata

from api_guard.core.flaws import Flaw

# The Unicode name of a letter begins with its script. These names begin with another word.
_NAMED_OTHERWISE = {
    "CJK": "HAN",
    "FEMININE": "LATIN",
    "MASCULINE": "LATIN",
    "IDEOGRAPHIC": "HAN",
    "VERTICAL": "HAN",
    "HENTAIGANA": "HIRAGANA",
    "MODIFIER": "LATIN",
    "TURNED": "LATIN",
    "ROMAN": "LATIN",
}
# Includes the apostrophes of Ukrainian, Uzbek and Hawaiian, and tone signs (Scripts.txt).
_NO_SCRIPT = frozenset(
    "\u0640\u3006\u30fc\u30fb" + "".join(map(chr, [*range(0x2B9, 0x2E0), *range(0x2E5, 0x300)]))
)
# "Mª José", "1º", "3.ª"
_ORDINAL = re.compile(r"(?<=[^\W_]|(?<=[^\W_])\.)[\u00aa\u00ba](?![^\W_])")
# Keyboards have keys for these: the letters of Korean, which chats write alone, and two words of
# Arabic and Urdu, of which one is a part of "Abdullah".
_ON_KEYBOARDS = re.compile("[\u3131-\u3163\u3165-\u318e\ufdf2\ufdfa]")
# Scripts that are normally written together: UTS #39 §5.2, "highly restrictive".
_TOGETHER = tuple(
    frozenset(names.split())
    for names in ("LATIN HAN HIRAGANA KATAKANA", "LATIN HAN BOPOMOFO", "LATIN HAN HANGUL")
)
_FIRST_WORD = re.compile(r"[A-Z]+")


def find_lookalike(text: str) -> Flaw | None:
    """Return the first letter or digit of another script or in disguise, or None.

    Japanese, Chinese and Korean may mix their scripts, also with Latin.
    """
    if text.isascii():
        return None
    scripts: set[str] = set()
    zeros: set[int] = set()
    for position, char in enumerate(text):
        if unicodedata.category(char)[0] not in "LN":
            continue
        if char in "\u00aa\u00ba" and _ORDINAL.match(text, position):
            pass
        elif _is_disguise(char):
            message = f"{_name(char)} at position {position} looks like another character."
            return Flaw("lookalike", message, position)
        value = unicodedata.decimal(char, None)
        if value is not None:
            # The digits of one script are consecutive, so they have the same zero.
            zeros.add(ord(char) - value)
        elif char not in _NO_SCRIPT:
            scripts.add(_script(char))
        if len(zeros) > 1 or (len(scripts) > 1 and not any(scripts <= set_ for set_ in _TOGETHER)):
            message = f"{_name(char)} at position {position} is from another script."
            return Flaw("mixed_scripts", message, position)
    return None


def _is_disguise(char: str) -> bool:
    """Whether `char` is a styled form of other letters.

    Thai SARA AM, Armenian և and similar letters are real letters, although Unicode can split them.
    """
    parts = unicodedata.decomposition(char).split()
    if not parts or not parts[0].startswith("<"):
        return False
    letters = [chr(int(part, 16)) for part in parts[1:]]
    is_own = (parts[0] == "<compat>" and len(letters) > 1) or _ON_KEYBOARDS.match(char)
    return not is_own or any(_script(letter) == "LATIN" for letter in letters)


def _script(char: str) -> str:
    word = _FIRST_WORD.match(unicodedata.name(char, "UNKNOWN"))
    first = word[0] if word else "UNKNOWN"
    return _NAMED_OTHERWISE.get(first, first)


def _name(char: str) -> str:
    return f"U+{ord(char):04X}"
