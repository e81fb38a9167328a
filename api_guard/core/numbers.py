"""Distinguishes plain numbers from notations that only Python accepts."""

from __future__ import annotations

import re

_INTEGER = re.compile(r"-?[0-9]+")
_DECIMAL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_FLOAT = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?")


def is_plain_integer(text: str) -> bool:
    """Whether `text` is an integer in ASCII digits, not "٣", "1_000", " 1" or "+1"."""
    return _INTEGER.fullmatch(text) is not None


def is_plain_decimal(text: str) -> bool:
    """Whether `text` is a decimal in ASCII digits, without an exponent."""
    return _DECIMAL.fullmatch(text) is not None


def is_plain_float(text: str) -> bool:
    """Whether `text` is a JSON number. Leading zeros are allowed."""
    return _FLOAT.fullmatch(text) is not None
