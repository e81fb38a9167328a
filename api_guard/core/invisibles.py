"""Finds out whether an invisible character has an effect next to its neighbours."""

from __future__ import annotations

import re

# Scripts without spaces between words. There, a zero width space allows a line break.
_UNSPACED = (
    "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u19ff\u1a00-\u1aaf\u1b00-\u1bff"
    "\u2e80-\u9fff\ua000-\ua4cf\ua930-\ua9ff\uaa00-\uaadf\uf900-\ufaff"
    "\U00011000-\U0001107f\U000116d0-\U000116ff\U00020000-\U0003fffd"
)
# The neighbours next to which each character has an effect. Elsewhere, an editor has left it.
_MEANT_BESIDE = {
    "\u115f\u1160": "\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff",
    "\u180e": "\u1800-\u18af\U00011660-\U0001167f",
    "\u200b": _UNSPACED,
    "\u3164": "\u3130-\u318f\uac00-\ud7a3",
    "\uffa0": "\uffa1-\uffdc",
    "".join(map(chr, range(0x1D173, 0x1D17B))): "\U0001d100-\U0001d1ff",
}
# Soft hyphen, word joiner, the signs of formulas, and the byte order mark: never shown.
_LEFT_OVER = "\u00ad\u2060-\u2064\ufeff"
_RUN = re.compile(f"[{_LEFT_OVER}{''.join(_MEANT_BESIDE)}]+")
# Searching for these characters is ten times faster than the regular expression.
_CHARS = frozenset("".join(_MEANT_BESIDE)) | set(map(chr, (0xAD, *range(0x2060, 0x2065), 0xFEFF)))
_BESIDE = {
    char: re.compile(f"[{beside}]") for chars, beside in _MEANT_BESIDE.items() for char in chars
}
# The tag sequence of UTS #51, only for flags of subdivisions (ISO 3166-2): England is "gbeng".
# Any other run of tags is invisible text.
_FLAG = re.compile(
    "\U0001f3f4[\U000e0061-\U000e007a]{2}[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,4}"
    "\U000e007f"
)
# Directional marks and joiners do not change the look of a name in one script, except in scripts
# with joining letters.
_MARKS = "\u061c\u200b\u200e\u200f"
_JOINERS = "\u200c\u200d"
_JOINING = re.compile(
    # Arabic and similar scripts; the scripts from India to Myanmar; Mongolian, Phags-pa; Adlam and
    # other right-to-left scripts; emoji, and the selector that turns a sign into an emoji.
    "[\u0600-\u06ff\u0700-\u08ff\u0900-\u109f\u1780-\u18af\u1a20-\u1cff\ua840-\ua8ff\ua980-\ua9df"
    "\uaa60-\uaaff\uabc0-\uabff\ufb50-\ufdff\ufe70-\ufefc\U00010ac0-\U00010fff"
    "\U00011000-\U00011fff\U0001e900-\U0001e95f\u2190-\u2bff\ufe0f\U0001f000-\U0001faff]"
)
# Unicode's Default_Ignorable_Code_Point, and characters with an empty glyph: null notehead,
# braille without a dot, blanks of Egyptian and Khitan.
_BLANK = re.compile(
    "[\\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U00013441\U00013442\U00016fe4"
    "\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff]*"
)


def drop_left_over(text: str) -> str:
    """Return `text` without the invisible characters that have no effect."""
    if _CHARS.isdisjoint(text):
        return text

    def kept(run: re.Match[str]) -> str:
        meant = _meant(run)
        return "".join(filter(meant.__contains__, run[0])) if meant else ""

    return _RUN.sub(kept, text)


def drop_unseen(name: str) -> str:
    """Return `name` without the invisible characters that do not change how it looks."""
    kept: list[str] = []
    for char in _RUN.sub("", name):
        if char in _MARKS or (char in _JOINERS and not (kept and _JOINING.match(kept[-1]))):
            continue
        kept.append(char)
    return "".join(kept)


def without_meant(text: str, *, left_over: bool) -> str:
    """Return `text` with a space for each invisible character that is allowed in its place.

    With `left_over`, also for those without an effect.
    """
    text = _FLAG.sub(lambda flag: " " * len(flag[0]), text)

    def masked(run: re.Match[str]) -> str:
        if left_over:
            return " " * len(run[0])
        meant = _meant(run)
        return "".join(" " if char in meant else char for char in run[0]) if meant else run[0]

    return _RUN.sub(masked, text)


def is_blank(text: str) -> bool:
    """Whether `text` has no visible character."""
    return _BLANK.fullmatch(text) is not None


def stripped(text: str) -> str:
    """Return `text` without blank characters at both ends."""
    start, end = 0, len(text)
    while start < end and _BLANK.fullmatch(text[start]):
        start += 1
    while end > start and _BLANK.fullmatch(text[end - 1]):
        end -= 1
    return text[start:end]


def _meant(run: re.Match[str]) -> set[str]:
    """Return the characters of `run` that have an effect next to its neighbours."""
    text = run.string
    beside = text[max(run.start() - 1, 0) : run.start()], text[run.end() : run.end() + 1]
    return {
        char
        for char in set(run[0]) & _BESIDE.keys()
        if any(_BESIDE[char].match(neighbour) for neighbour in beside)
    }
