"""JSON with limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import parsers

from api_guard.input.json_text import loads
from api_guard.parsers.reading import limits_in, refusals, whole


class JSONParser(parsers.JSONParser):
    """DRF's JSONParser for unambiguous JSON, with `API_GUARD["LIMITS"]` and `@guard(limits=...)`.

    Raises MalformedBody, BodyOverLimit, BodyTooLarge or UnsupportedCharset.
    """

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the parsed body."""
        del media_type
        context = parser_context or {}
        limits = limits_in(context)
        with refusals():
            return loads(whole(stream, context, limits.bytes), limits)
