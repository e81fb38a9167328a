"""Pagination with a maximum size and with signed cursors."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.signing import BadSignature, Signer
from django.db import DataError
from django.utils.encoding import force_str
from rest_framework import pagination
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.utils.urls import replace_query_param

from api_guard.access.endpoints import dotted_path

PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
# Beyond it, a database reads and discards too many rows.
MAX_OFFSET = 1_000_000


class PageNumberPagination(pagination.PageNumberPagination):
    """DRF's class, with pages of at most `max_page_size` objects."""

    page_size = api_settings.PAGE_SIZE or PAGE_SIZE
    max_page_size = MAX_PAGE_SIZE


class LimitOffsetPagination(pagination.LimitOffsetPagination):
    """DRF's class, with pages of at most `max_limit` objects, and 404 beyond `max_offset`."""

    default_limit = api_settings.PAGE_SIZE or PAGE_SIZE
    max_limit = MAX_PAGE_SIZE
    max_offset = MAX_OFFSET

    def get_offset(self, request: Request) -> int:
        """Return the requested offset. Raises NotFound."""
        offset = int(super().get_offset(request))
        if offset > self.max_offset:
            raise NotFound(force_str(f"There is no page beyond offset {self.max_offset}."))
        return offset


class CursorPagination(pagination.CursorPagination):
    """DRF's class, with signed cursors: a cursor of another view or order is 404."""

    page_size = api_settings.PAGE_SIZE or PAGE_SIZE
    max_page_size = MAX_PAGE_SIZE

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        """Return the page that the cursor leads to. Raises NotFound."""
        self._signer = Signer(salt=f"api_guard.cursor:{_name(view)}")
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValidationError, ValueError, DataError):
            if getattr(self, "cursor", None) is None:
                raise
            # The order has changed since the cursor was made, or the cursor was at a NULL.
            raise NotFound(self.invalid_cursor_message) from None

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Return the cursor of the request, or None. Raises NotFound."""
        signed = request.query_params.get(self.cursor_query_param)
        if signed is None:
            return None
        try:
            *ordering, offset, reverse, position = self._signer.unsign_object(signed)
        except (BadSignature, ValueError):
            raise NotFound(self.invalid_cursor_message) from None
        if tuple(ordering) != self.ordering:
            raise NotFound(self.invalid_cursor_message)
        return Cursor(offset, reverse, position)

    def encode_cursor(self, cursor: Cursor) -> str:
        """Return a URL with the signed cursor."""
        said = [*self.ordering, cursor.offset, cursor.reverse, cursor.position]
        signed = self._signer.sign_object(said)
        return replace_query_param(self.base_url or "", self.cursor_query_param, signed)


def _name(view: Any) -> str:
    return "" if view is None else dotted_path(type(view))
