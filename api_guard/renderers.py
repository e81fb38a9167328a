"""JSON that is always valid, and safe inside an HTML page."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from math import isfinite
from typing import Any

from rest_framework import renderers

logger = logging.getLogger("api_guard")

_SURROGATES = re.compile("[\ud800-\udfff]")
_DEEPEST = 100
_MOST_BITS = 4096
# JSON has these characters only in strings, where they can be escaped.
_ESCAPES = ((b"<", b"\\u003c"), (b">", b"\\u003e"), (b"&", b"\\u0026"))


class JSONRenderer(renderers.JSONRenderer):
    """DRF's renderer, for stored values that are not valid JSON, and for pages that contain JSON.

    What JSON cannot say is written as what comes nearest: a lone surrogate as U+FFFD, and so what
    is not UTF-8 in bytes, of which DRF makes text; NaN, Infinity, a number of more than 4096 bits
    and what is nested deeper than 100 as null. `<`, `>` and `&` are escaped, so that the text may
    stand inside a `<script>`.
    """

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return `data` as JSON. Raises only for objects that are not data."""
        context = dict(renderer_context or {})
        try:
            text = super().render(data, accepted_media_type, context)
        except (ValueError, RecursionError) as error:
            logger.warning("The answer was not valid JSON and was corrected: %s.", error)
            mended = _mended(data, ())
            text = super().render(mended, accepted_media_type, context)
            # DRF makes an answer without a body from None.
            text = b"null" if mended is None else text
        for character, escape in _ESCAPES:
            text = text.replace(character, escape)
        return text


def _mended(value: Any, above: tuple[int, ...]) -> Any:
    if isinstance(value, str):
        return _SURROGATES.sub("\ufffd", value)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, int):
        return value if value.bit_length() <= _MOST_BITS else None
    if not isinstance(value, (Mapping, list, tuple)):
        return value
    if id(value) in above:
        raise ValueError("Circular reference detected")
    if len(above) == _DEEPEST:
        return None
    above = (*above, id(value))
    if isinstance(value, Mapping):
        return {_mended_key(key): _mended(item, above) for key, item in value.items()}
    return [_mended(item, above) for item in value]


def _mended_key(key: Any) -> Any:
    mended = _mended(key, ())
    return mended if mended is not None or key is None else str(key)
