"""Checks that the whole file has the kind of its first bytes."""

from __future__ import annotations

from typing import Any

from django.core.files import File

from api_guard.core.files import KINDS
from api_guard.input.contents import documents, media, registered, texts
from api_guard.input.contents.archives import Bounds


def refuse_other(file: File[Any], size: int, kind: str, bounds: Bounds) -> None:
    """Raise FlawError if `file`, of `size` bytes, is not of this `kind`."""
    if KINDS[kind].is_told_by_library:
        registered.refuse_other(file, kind)
    elif KINDS[kind].is_text:
        texts.refuse_other(file, kind)
    elif kind in documents.ARCHIVES:
        documents.refuse_other(file, size, kind, bounds)
    elif kind in media.BOXED:
        media.refuse_other_than_boxes(file, size, kind)
    elif kind == "mp3":
        media.refuse_other_than_mp3(file)
    registered.ask(file, kind)
