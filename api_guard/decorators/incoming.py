"""Refuses a malformed request before any code reads it and breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import Http404
from rest_framework.request import Request

from api_guard.core import queries
from api_guard.core.media_types import content_length, is_utf8
from api_guard.exceptions import (
    BodyTooLarge,
    LengthRequired,
    MalformedRequest,
    UnsupportedCharset,
)
from api_guard.parsers import refuse_parsed

if TYPE_CHECKING:
    from api_guard.core.limits import Limits


def refuse_malformed(view: Any, request: Request, limits: Limits) -> None:
    """Refuse a request with an invalid query string, path, header field or length."""
    http: Any = request._request
    meta = http.META
    try:
        queries.refuse_headers(meta)
        queries.refuse_credentials(meta.get("HTTP_AUTHORIZATION") or "")
        if "\\" in (meta.get("HTTP_COOKIE") or ""):
            # Only an escape can add a character that is not in the field itself.
            queries.refuse_cookies(http.COOKIES.values())
        _refuse_query(meta, limits)
        _refuse_body(http, meta, limits)
    except ValueError as error:
        raise MalformedRequest(str(error)) from None
    refuse_parsed(http, limits)
    args, kwargs = getattr(view, "args", ()), getattr(view, "kwargs", {})
    if not all(map(queries.is_parameter, (*args, *kwargs.values()))):
        raise Http404


def _refuse_query(meta: Any, limits: Limits) -> None:
    query = meta.get("QUERY_STRING") or ""
    if query:
        # WSGI passes bytes as Latin-1 (PEP 3333), ASGI passes text.
        encoding = "latin-1" if "wsgi.input" in meta else "utf-8"
        queries.refuse_query(query.encode(encoding, "replace"), limits)


def _refuse_body(http: Any, meta: Any, limits: Limits) -> None:
    # Django uses this encoding for the query string too.
    if not is_utf8((http.content_params or {}).get("charset")):
        raise UnsupportedCharset
    length = content_length(meta.get("CONTENT_LENGTH"))
    if length is None:
        if "HTTP_TRANSFER_ENCODING" in meta:
            # Django and DRF do not read a body of unknown length. It would look like an empty body.
            raise LengthRequired
        return
    is_upload = (http.content_type or "").startswith("multipart/")
    if length > (limits.upload if is_upload else limits.bytes):
        raise BodyTooLarge
