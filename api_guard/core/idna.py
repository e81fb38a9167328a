"""The ASCII form of internationalized host names (IDNA 2008)."""

from __future__ import annotations

import unicodedata

# Signs inside words that DNS names may contain (RFC 5892 §2.6 and appendix A).
_WITHIN_WORDS = "-_\u00b7\u0375\u05f3\u05f4\u06fd\u06fe\u0f0b\u30fb"
_JOINERS = "\u200c\u200d"
_VIRAMA = 9
_ARABIC = ("AL", "R")


def to_ascii(label: str) -> str:
    """Return the ASCII form of `label`, which must be in lower case and NFC. It keeps ß.

    Raises ValueError for an invalid label.
    """
    if label.isascii():
        return label
    _refuse(label)
    return f"xn--{label.encode('punycode').decode()}"


def to_unicode(label: str) -> str:
    """Return the Unicode form of an ASCII `label`. Raises ValueError.

    `label` must be the output of `to_ascii`. Other encodings of the same letters are refused.
    """
    decoded = label.removeprefix("xn--").encode("ascii").decode("punycode")
    is_its_form = decoded == unicodedata.normalize("NFC", decoded).lower()
    if decoded.isascii() or not is_its_form or to_ascii(decoded) != label:
        raise ValueError(label)
    return decoded


def _refuse(label: str) -> None:
    if unicodedata.category(label[0])[0] == "M" or label[2:4] == "--":
        raise ValueError(f"{label!a} begins with a mark, or has hyphens like an encoded label")
    for position, char in enumerate(label):
        if char in _JOINERS:
            _refuse_joiner(label, position)
        elif not _may_stand(char):
            raise ValueError(f"U+{ord(char):04X} is not allowed in a host")
    # The part of RFC 5893 §2 that keeps the visible order of the labels.
    directions = {unicodedata.bidirectional(char) for char in label}
    if directions & set(_ARABIC) and (
        "L" in directions or unicodedata.bidirectional(label[0]) not in _ARABIC
    ):
        raise ValueError(f"{label!a} mixes two writing directions")


def _may_stand(char: str) -> bool:
    # Letters, marks, numbers and signs: there are hosts with hearts and snowmen (UTS #46).
    category = unicodedata.category(char)
    return category[0] in "LMN" or category == "So" or char in _WITHIN_WORDS


def _refuse_joiner(label: str, position: int) -> None:
    # RFC 5892 appendix A.1 and A.2: allowed after a virama, and between Arabic letters, which join.
    before, after = label[:position], label[position + 1 :]
    if before and unicodedata.combining(before[-1]) == _VIRAMA:
        return
    joined = [char for char in before[-1:] + after[:1] if unicodedata.bidirectional(char) == "AL"]
    if label[position] == "\u200c" and len(joined) == 2:
        return
    raise ValueError(f"U+{ord(label[position]):04X} joins nothing")
