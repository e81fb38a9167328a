"""Decides if a file name that is too long for the file system came from the client."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from types import FrameType

from api_guard.input.client_errors.frames import module_of
from api_guard.input.client_errors.sent import Sent

# A storage may cut the end of a name, and append a few characters.
_TOLD_BY = 60


def is_too_long(error: OSError) -> bool:
    """Whether the file system refused a name because of its length."""
    return error.errno == errno.ENAMETOOLONG


def is_name_sent(error: OSError, frames: Iterable[FrameType], sent: Sent) -> bool:
    """Whether a storage was saving a file under a name that the client sent."""
    if not is_too_long(error):
        return False
    path = str(error.filename or "")
    is_stored = any(module_of(frame).startswith("django.core.files") for frame in frames)
    return is_stored and sent.is_named_in(path, told_by=_TOLD_BY)
