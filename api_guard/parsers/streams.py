"""A stream that knows how much was read of it, and how it ended."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadhandler import StopUpload
from django.utils.http import parse_header_parameters

# Django reads boundaries of up to 201 characters. What follows the last one means nothing.
_TAIL = 500


class Counted:
    """A stream of which at most `most` bytes are read; None is no limit.

    `error` is what reading a form from it came to.
    """

    def __init__(self, stream: Any, most: int | None = None) -> None:
        self._stream = stream
        self._most = most
        self.length = 0
        self.tail = b""
        self.error: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        # An upload handler of the project's may ask for more.
        return getattr(self._stream, name)

    def read(self, size: int | None = None) -> bytes:
        """Return what the stream gives. Raises StopUpload past `most`."""
        chunk: bytes = self._stream.read(*([] if size is None else [size]))
        self.length += len(chunk)
        if self._most is not None and self.length > self._most:
            # Has the handlers throw away the file that they are at.
            raise StopUpload(connection_reset=True)
        self.tail = (self.tail + chunk)[-_TAIL:]
        return chunk


def last_boundary(content_type: str | None) -> bytes:
    """Return what a multipart body of this Content-Type ends with."""
    _, options = parse_header_parameters(content_type or "")
    return f"--{options.get('boundary', '')}--".encode()
