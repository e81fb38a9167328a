"""What a character that shows nothing does beside its neighbours: something, or nothing."""

from __future__ import annotations

import re

# Scripts that part no words by spaces: there a zero width space is where a line may break.
_UNSPACED = (
    "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u19ff\u1a00-\u1aaf\u1b00-\u1bff"
    "\u2e80-\u9fff\ua000-\ua4cf\ua930-\ua9ff\uaa00-\uaadf\uf900-\ufaff"
    "\U00011000-\U0001107f\U000116d0-\U000116ff\U00020000-\U0003fffd"
)
# What each does something beside; beside anything else it is left over from an editor.
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
# To look for none of these in a text costs a tenth of what the expression does.
_CHARS = frozenset("".join(_MEANT_BESIDE)) | set(map(chr, (0xAD, *range(0x2060, 0x2065), 0xFEFF)))
_BESIDE = {
    char: re.compile(f"[{beside}]") for chars, beside in _MEANT_BESIDE.items() for char in chars
}
# UTS #51's tag sequence, of a flag and its subdivision alone (ISO 3166-2): England is "gbeng".
# Any other run of tags is a text that nobody sees.
_FLAG = re.compile(
    "\U0001f3f4[\U000e0061-\U000e007a]{2}[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,4}"
    "\U000e007f"
)
# Directional marks and joiners do nothing to what a name of one script looks like, but in scripts
# whose letters join.
_MARKS = "\u061c\u200b\u200e\u200f"
_JOINERS = "\u200c\u200d"
_JOINING = re.compile(
    # Arabic and its neighbours; the scripts of India to Myanmar; Mongolian, Phags-pa; Adlam and
    # others right to left; emoji, and the selector that makes one of a sign.
    "[\u0600-\u06ff\u0700-\u08ff\u0900-\u109f\u1780-\u18af\u1a20-\u1cff\ua840-\ua8ff\ua980-\ua9df"
    "\uaa60-\uaaff\uabc0-\uabff\ufb50-\ufdff\ufe70-\ufefc\U00010ac0-\U00010fff"
    "\U00011000-\U00011fff\U0001e900-\U0001e95f\u2190-\u2bff\ufe0f\U0001f000-\U0001faff]"
)
# Unicode's Default_Ignorable_Code_Point, and what is as empty by its picture: null notehead,
# braille without a dot, blanks of Egyptian and Khitan.
_BLANK = re.compile(
    "[\\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U00013441\U00013442\U00016fe4"
    "\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff]*"
)


def drop_left_over(text: str) -> str:
    """Return `text` without the invisible characters that do nothing where they stand."""
    if _CHARS.isdisjoint(text):
        return text

    def kept(run: re.Match[str]) -> str:
        meant = _meant(run)
        return "".join(filter(meant.__contains__, run[0])) if meant else ""

    return _RUN.sub(kept, text)


def drop_unseen(name: str) -> str:
    """Return `name` without any invisible character that leaves it looking the same."""
    kept: list[str] = []
    for char in _RUN.sub("", name):
        if char in _MARKS or (char in _JOINERS and not (kept and _JOINING.match(kept[-1]))):
            continue
        kept.append(char)
    return "".join(kept)


def without_meant(text: str, *, left_over: bool) -> str:
    """Return `text` with a space for each invisible character that may stand where it stands.

    With `left_over`, for those too that do nothing there.
    """
    text = _FLAG.sub(lambda flag: " " * len(flag[0]), text)

    def masked(run: re.Match[str]) -> str:
        if left_over:
            return " " * len(run[0])
        meant = _meant(run)
        return "".join(" " if char in meant else char for char in run[0]) if meant else run[0]

    return _RUN.sub(masked, text)


def is_blank(text: str) -> bool:
    """Whether there is nothing to see in `text`."""
    return _BLANK.fullmatch(text) is not None


def stripped(text: str) -> str:
    """Return `text` without what is blank at its ends."""
    start, end = 0, len(text)
    while start < end and _BLANK.fullmatch(text[start]):
        start += 1
    while end > start and _BLANK.fullmatch(text[end - 1]):
        end -= 1
    return text[start:end]


def _meant(run: re.Match[str]) -> set[str]:
    """Return which of the characters of `run` do something beside what stands around it."""
    text = run.string
    beside = text[max(run.start() - 1, 0) : run.start()], text[run.end() : run.end() + 1]
    return {
        char
        for char in set(run[0]) & _BESIDE.keys()
        if any(_BESIDE[char].match(neighbour) for neighbour in beside)
    }
