"""Text files, and formats that are text."""

from __future__ import annotations

import codecs
from typing import Any

import msgspec
from django.core.files import File

from api_guard.core.flaws import Flaw, FlawError
from api_guard.core.text import find_flaw

_BOM = codecs.BOM_UTF8


def refuse_other(file: File[Any], kind: str) -> None:
    """Raise FlawError if the file is not UTF-8 text, or not this kind of text.

    It may begin with a byte order mark, because Excel writes one.
    """
    _refuse_other_than_text(file)
    if kind == "json":
        file.seek(0)
        try:
            msgspec.json.decode(file.read().removeprefix(_BOM), type=msgspec.Raw)
        except (msgspec.DecodeError, RecursionError) as error:
            raise _flaw("The file is not JSON.") from error
    if kind == "ics":
        file.seek(0)
        lines = file.read().removeprefix(_BOM).strip().splitlines() or [b""]
        # RFC 5545 §3.4; names are read in any case.
        if (lines[0].upper(), lines[-1].upper()) != (b"BEGIN:VCALENDAR", b"END:VCALENDAR"):
            raise _flaw("The file is not a calendar.")


def _refuse_other_than_text(file: File[Any]) -> None:
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    file.seek(0)
    rest = ""
    try:
        for chunk in file.chunks():
            # Do not split a flag, which consists of several characters.
            text = rest + decoder.decode(chunk)
            end = text.rfind("\n") + 1 or len(text)
            _refuse_flaw(text[:end])
            rest = text[end:]
        _refuse_flaw(rest + decoder.decode(b"", final=True))
    except UnicodeDecodeError as error:
        raise _flaw("The file is not text in UTF-8.") from error


def _refuse_flaw(text: str) -> None:
    size = len(text)
    if find_flaw(text, newlines=True, max_length=size, max_bytes=4 * size, left_over=True):
        raise _flaw("The file contains characters that are not text.")


def _flaw(message: str) -> FlawError:
    return FlawError(Flaw("wrong_type", message))
