"""The source of an exception: the frames of libraries below the last frame of the project."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

# These libraries only work on values that they are given. Other code may create values.
DRIVERS = {"MySQLdb", "psycopg", "psycopg2", "psycopg_binary", "psycopg_c", "pymysql"}
_LIBRARIES = (
    frozenset({"api_guard", "django", "django_filters", "rest_framework"})
    | DRIVERS
    | (sys.stdlib_module_names - {"__main__"})
)


def frames_of(error: BaseException) -> Iterator[FrameType]:
    """Yield the frames of an exception, the outermost first."""
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next


def library_frames(error: BaseException) -> list[FrameType]:
    """Return the frames of libraries below the last frame of the project, the outermost first."""
    tail: list[FrameType] = []
    for frame in frames_of(error):
        if module_of(frame).split(".")[0] in _LIBRARIES:
            tail.append(frame)
        else:
            tail.clear()
    return tail


def module_of(frame: FrameType) -> str:
    """Return the dotted name of the module of a frame."""
    return str(frame.f_globals.get("__name__", ""))


def local(frame: FrameType, *names: str) -> Any:
    """Return the first of these local variables that a frame has, or None."""
    found = frame.f_locals
    return next((found[name] for name in names if name in found), None)
