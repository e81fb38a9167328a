"""JSON that is always valid, and safe inside an HTML page."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from math import isfinite
from typing import Any

from django.core.files import File
from rest_framework import renderers

logger = logging.getLogger("api_guard")

_SURROGATES = re.compile("[\ud800-\udfff]")
_DEEPEST = 100
_MOST_BITS = 4096
# JSON has these characters only in strings, where they can be escaped.
_ESCAPES = ((b"<", b"\\u003c"), (b">", b"\\u003e"), (b"&", b"\\u0026"))


class JSONRenderer(renderers.JSONRenderer):
    """DRF's renderer, for stored values that are not valid JSON, and for pages that contain JSON.

    Values that JSON cannot express are replaced. A lone surrogate, and bytes that are not UTF-8,
    become U+FFFD. NaN, Infinity, a number of more than 4096 bits, and, if Python cannot write the
    nesting, values nested deeper than 100 become null. `<`, `>` and `&` are escaped, so that the
    text is safe inside a `<script>`.
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
            valid = _valid(data, ())
            text = super().render(valid, accepted_media_type, context)
            # DRF makes an answer without a body from None.
            text = b"null" if valid is None else text
        for character, escape in _ESCAPES:
            text = text.replace(character, escape)
        return text


def _valid(value: Any, above: tuple[int, ...]) -> Any:
    if isinstance(value, str):
        return _SURROGATES.sub("\ufffd", value)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, File):
        # An upload where a text was meant. DRF writes its lines.
        return [_valid(line, above) for line in value]
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
        return {_valid_key(key): _valid(item, above) for key, item in value.items()}
    return [_valid(item, above) for item in value]


def _valid_key(key: Any) -> Any:
    valid = _valid(key, ())
    return valid if valid is not None or key is None else str(key)
