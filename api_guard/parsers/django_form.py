"""Leaves the body of a plain Django view to Django."""

from __future__ import annotations

from typing import Any

from rest_framework.parsers import BaseParser, DataAndFiles


class DjangoFormParser(BaseParser):
    """For who asks DRF's request for a form, as the check of CSRF does. The guard limits the form.

    A body of another kind is left unread.
    """

    media_type = "*/*"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        """Return the form that Django has parsed."""
        del stream, media_type
        http = parser_context["request"]._request
        return DataAndFiles(http.POST, http.FILES)
