"""Refuses, before anything reads it, a request that would break what reads it."""

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
from api_guard.parsers.reading import limits_of

if TYPE_CHECKING:
    from api_guard.core.limits import Limits


def refuse_malformed(view: Any, request: Request) -> None:
    """Raise a refusal for a query string, a path, a header field or a length that cannot be."""
    limits = limits_of(type(view))
    http: Any = request._request
    meta = http.META
    try:
        queries.refuse_headers(meta)
        queries.refuse_credentials(meta.get("HTTP_AUTHORIZATION") or "")
        if "\\" in (meta.get("HTTP_COOKIE") or ""):
            # Only an escape makes a character that the field itself does not hold.
            queries.refuse_cookies(http.COOKIES.values())
        _refuse_query(meta, limits)
        _refuse_body(http, meta, limits)
    except ValueError as error:
        raise MalformedRequest(str(error)) from None
    refuse_parsed(http, limits)
    args, kwargs = getattr(view, "args", ()), getattr(view, "kwargs", {})
    if not all(map(queries.is_parameter, (*args, *kwargs.values()))):
        raise Http404


def refuse_parsed_form(view: Any, request: Request) -> None:
    """Raise a refusal for a form that was parsed while the caller was asked who it is."""
    refuse_parsed(request._request, limits_of(type(view)))


def _refuse_query(meta: Any, limits: Limits) -> None:
    query = meta.get("QUERY_STRING") or ""
    if query:
        # WSGI hands over bytes as Latin-1 (PEP 3333), ASGI text.
        encoding = "latin-1" if "wsgi.input" in meta else "utf-8"
        queries.refuse_query(query.encode(encoding, "replace"), limits)


def _refuse_body(http: Any, meta: Any, limits: Limits) -> None:
    # Django reads the query string in this encoding too.
    if not is_utf8((http.content_params or {}).get("charset")):
        raise UnsupportedCharset
    length = content_length(meta.get("CONTENT_LENGTH"))
    if length is None:
        if "HTTP_TRANSFER_ENCODING" in meta:
            # Neither Django nor DRF reads a body of unknown length: it would pass for an empty one.
            raise LengthRequired
        return
    is_upload = (http.content_type or "").startswith("multipart/")
    if length > (limits.upload if is_upload else limits.bytes):
        raise BodyTooLarge
