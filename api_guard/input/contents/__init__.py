"""Checks the whole content of a file, and registers more kinds of files."""

from api_guard.input.contents.archives import MAX_ENTRIES, MAX_UNPACKED, Bounds
from api_guard.input.contents.judging import refuse_other
from api_guard.input.contents.positions import POSITIONED, without_position
from api_guard.input.contents.registered import register_kind

__all__ = [
    "MAX_ENTRIES",
    "MAX_UNPACKED",
    "POSITIONED",
    "Bounds",
    "refuse_other",
    "register_kind",
    "without_position",
]
