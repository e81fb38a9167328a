"""A stream that counts the bytes read, and keeps its last bytes."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadhandler import StopUpload
from django.utils.http import parse_header_parameters

# Django accepts boundaries of up to 201 characters. Bytes after the last boundary are ignored.
_TAIL = 500


class Counted:
    """A stream with a limit of `most` bytes. None means no limit.

    `error` is the exception of parsing a form from it.
    """

    def __init__(self, stream: Any, most: int | None = None) -> None:
        self._stream = stream
        self._most = most
        self.length = 0
        self.tail = b""
        self.error: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        # An upload handler of the project may use other attributes.
        return getattr(self._stream, name)

    def read(self, size: int | None = None) -> bytes:
        """Read from the stream. Raises StopUpload above `most` bytes."""
        chunk: bytes = self._stream.read(*([] if size is None else [size]))
        self.length += len(chunk)
        if self._most is not None and self.length > self._most:
            # Makes the upload handlers drop the current file.
            raise StopUpload(connection_reset=True)
        self.tail = (self.tail + chunk)[-_TAIL:]
        return chunk


def last_boundary(content_type: str | None) -> bytes:
    """Return the last boundary of a multipart body with this Content-Type."""
    _, options = parse_header_parameters(content_type or "")
    return f"--{options.get('boundary', '')}--".encode()
