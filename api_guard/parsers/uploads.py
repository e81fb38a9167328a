"""Multipart forms within limits."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import Any

from django.core.files.uploadhandler import StopUpload
from django.utils.http import parse_header_parameters
from rest_framework import parsers

from api_guard.core.bodies import Malformed
from api_guard.core.forms import refuse_fields
from api_guard.core.media_types import is_utf8
from api_guard.exceptions import BodyTooLarge, UnsupportedCharset
from api_guard.parsers.reading import limits_in, refusals, refuse_cut_off

# Django reads boundaries of up to 201 characters. What follows the last one means nothing.
_TAIL = 500


class MultiPartParser(parsers.MultiPartParser):
    """DRF's, for forms with files within limits: `upload` bounds the whole, `text` a field.

    Raises MalformedBody, BodyOverLimit, BodyTooLarge or UnsupportedCharset.
    """

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> parsers.DataAndFiles[Any, Any]:
        """Return the fields and the files."""
        context = parser_context or {}
        limits = limits_in(context)
        if not is_utf8(context.get("encoding")):
            raise UnsupportedCharset
        counted: Any = _Counted(stream, limits.upload)
        with refusals():
            form = self._parse(counted, media_type, context)
            try:
                if counted.length > limits.upload:
                    raise BodyTooLarge
                refuse_cut_off(counted.length, context)
                if counted.length and _last_boundary(media_type) not in counted.tail:
                    raise Malformed("The last part is not closed.")
                refuse_fields([*form.data.lists(), *form.files.lists()], limits)
            except Exception:
                _close(form.files)
                raise
        return form

    def _parse(
        self, stream: Any, media_type: str | None, context: Mapping[str, Any]
    ) -> parsers.DataAndFiles[Any, Any]:
        try:
            return super().parse(stream, media_type, context)
        except OSError as error:
            # A temporary file has the suffix of the name that came.
            if error.errno != errno.ENAMETOOLONG:
                raise
            raise Malformed("The name of a file is too long.") from None


def _last_boundary(media_type: str | None) -> bytes:
    _, options = parse_header_parameters(media_type or "")
    return f"--{options.get('boundary', '')}--".encode()


def _close(files: Any) -> None:
    for _, several in files.lists():
        for file in several:
            file.close()


class _Counted:
    """A stream that knows how much was read of it, and how it ended."""

    def __init__(self, stream: Any, most: int) -> None:
        self._stream = stream
        self._most = most
        self.length = 0
        self.tail = b""

    def read(self, size: int | None = None) -> bytes:
        chunk: bytes = self._stream.read(*([] if size is None else [size]))
        self.length += len(chunk)
        if self.length > self._most:
            # Has the handlers throw away the file that they are at.
            raise StopUpload(connection_reset=True)
        self.tail = (self.tail + chunk)[-_TAIL:]
        return chunk
