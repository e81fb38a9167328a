"""Multipart forms with limits."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import Any

from rest_framework import parsers

from api_guard.core.bodies import Malformed
from api_guard.core.forms import refuse_fields
from api_guard.core.media_types import is_utf8
from api_guard.exceptions import BodyTooLarge, UnsupportedCharset
from api_guard.parsers.reading import limits_in, refusals, refuse_cut_off
from api_guard.parsers.streams import Counted, last_boundary


class MultiPartParser(parsers.MultiPartParser):
    """DRF's MultiPartParser with limits: `upload` for the whole body, `text` for a field.

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
        counted = Counted(stream, limits.upload)
        with refusals():
            form = self._parse(counted, media_type, context)
            try:
                if counted.length > limits.upload:
                    raise BodyTooLarge
                refuse_cut_off(counted.length, context)
                if counted.length and last_boundary(media_type) not in counted.tail:
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
            # The suffix of a temporary file comes from the client.
            if error.errno != errno.ENAMETOOLONG:
                raise
            raise Malformed("The name of a file is too long.") from None


def _close(files: Any) -> None:
    for _, several in files.lists():
        for file in several:
            file.close()
