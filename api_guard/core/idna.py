"""Names of hosts in other letters than ASCII, in the one form that the DNS holds (IDNA 2008)."""

from __future__ import annotations

import unicodedata

# Signs within words that names of the DNS hold too (RFC 5892 §2.6 and appendix A).
_WITHIN_WORDS = "-_\u00b7\u0375\u05f3\u05f4\u06fd\u06fe\u0f0b\u30fb"
_JOINERS = "\u200c\u200d"
_VIRAMA = 9
_ARABIC = ("AL", "R")


def to_ascii(label: str) -> str:
    """Return the ASCII form of `label`, which is in lower case and NFC: ß stays ß.

    Raises ValueError for a label that no name may have.
    """
    if label.isascii():
        return label
    _refuse(label)
    return f"xn--{label.encode('punycode').decode()}"


def to_unicode(label: str) -> str:
    """Return the letters that an ASCII `label` stands for. Raises ValueError.

    It has to be the form that `to_ascii` gives them: whatever else decodes to the same.
    """
    decoded = label.removeprefix("xn--").encode("ascii").decode("punycode")
    is_its_form = decoded == unicodedata.normalize("NFC", decoded).lower()
    if decoded.isascii() or not is_its_form or to_ascii(decoded) != label:
        raise ValueError(label)
    return decoded


def _refuse(label: str) -> None:
    if unicodedata.category(label[0])[0] == "M" or label[2:4] == "--":
        raise ValueError(f"{label!a} begins with a mark, or as another form does")
    for position, char in enumerate(label):
        if char in _JOINERS:
            _refuse_joiner(label, position)
        elif not _may_stand(char):
            raise ValueError(f"U+{ord(char):04X} cannot stand in a host")
    # RFC 5893 §2, the part by which a label keeps its place among others.
    directions = {unicodedata.bidirectional(char) for char in label}
    if directions & set(_ARABIC) and (
        "L" in directions or unicodedata.bidirectional(label[0]) not in _ARABIC
    ):
        raise ValueError(f"{label!a} is read in two directions")


def _may_stand(char: str) -> bool:
    # Letters, marks and numbers; and signs, for there are hosts with hearts and snowmen (UTS #46).
    category = unicodedata.category(char)
    return category[0] in "LMN" or category == "So" or char in _WITHIN_WORDS


def _refuse_joiner(label: str, position: int) -> None:
    # RFC 5892 appendix A.1 and A.2: after a virama; and between Arabic letters, which join.
    before, after = label[:position], label[position + 1 :]
    if before and unicodedata.combining(before[-1]) == _VIRAMA:
        return
    joined = [char for char in before[-1:] + after[:1] if unicodedata.bidirectional(char) == "AL"]
    if label[position] == "\u200c" and len(joined) == 2:
        return
    raise ValueError(f"U+{ord(label[position]):04X} joins nothing")
