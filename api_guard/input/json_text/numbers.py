"""Limits the number of digits of a number."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Literal

from api_guard.core.bodies import OverLimit

_DIGITS = bytes(48 if byte in b"0123456789+-.eE" else 32 for byte in range(256))


def may_be_long(body: bytes, most: int) -> bool:
    """Whether a number may have more than `most` digits. A sample would contain a part of it."""
    if len(body) <= most:
        return False
    stride = max(1, most // 8)
    return b"0" * (most // stride) in body[::stride].translate(_DIGITS)


def bound(body: bytes, most: int) -> None:
    """Raise OverLimit if a number has more than `most` digits, or the body is nested too deep."""

    def read(number: str) -> Literal[0]:
        if len(number) > most:
            raise OverLimit(f"A number has more than {most} digits.")
        return 0

    # The reader reports all other errors of the body.
    try:
        with suppress(UnicodeDecodeError, json.JSONDecodeError):
            json.JSONDecoder(parse_float=read, parse_int=read).decode(body.decode())
    except RecursionError:
        raise OverLimit("Lists and objects are nested too deep.") from None
