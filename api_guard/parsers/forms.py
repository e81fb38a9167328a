"""Forms with limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import QueryDict
from rest_framework import parsers

from api_guard.core.forms import refuse_encoded, refuse_fields
from api_guard.parsers.reading import limits_in, refusals, whole


class FormParser(parsers.FormParser):
    """DRF's FormParser with limits.

    Raises MalformedBody, BodyOverLimit, BodyTooLarge or UnsupportedCharset.
    """

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the fields."""
        del media_type
        context = parser_context or {}
        limits = limits_in(context)
        with refusals():
            body = whole(stream, context, limits.bytes)
            refuse_encoded(body)
            form = QueryDict(body, encoding="utf-8")
            refuse_fields(form.lists(), limits)
        return form
