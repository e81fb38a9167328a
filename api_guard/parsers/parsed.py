"""Checks a multipart form that other code has parsed before DRF."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent

from api_guard.core.bodies import Malformed
from api_guard.core.forms import refuse_fields
from api_guard.core.limits import Limits
from api_guard.core.media_types import content_length, is_utf8
from api_guard.exceptions import UnsupportedCharset
from api_guard.parsers.reading import refusals
from api_guard.parsers.streams import Counted, last_boundary

_FORM = "_api_guard_form"
_TOO_MUCH = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)
_MULTIPART = "multipart/form-data"


def watch_form(http: Any) -> None:
    """Make Django remember how the parsing of a multipart form of `http` ended.

    A middleware that reads `request.POST`, or the CSRF check, parses the form. DRF then uses the
    result and runs no parser.
    """
    if http.content_type != _MULTIPART:
        return
    parse = http.parse_file_upload

    def parse_file_upload(fields: Any, stream: Any) -> Any:
        counted = Counted(stream)
        setattr(http, _FORM, counted)
        try:
            return parse(fields, counted)
        except Exception as error:
            counted.error = error
            raise

    http.parse_file_upload = parse_file_upload


def refuse_parsed(http: Any, limits: Limits) -> None:
    """Raise a refusal for an already parsed form that our parser would refuse."""
    parsed = vars(http)
    counted: Counted | None = parsed.get(_FORM)
    if counted is None and ("_post" not in parsed or http.content_type != _MULTIPART):
        return
    if http.method != "POST":
        return  # Django parses forms only of POST
    if not is_utf8(http.encoding):
        # A middleware has set it. Our parsers refuse it too.
        raise UnsupportedCharset
    with refusals():
        if counted is not None:
            if isinstance(counted.error, _TOO_MUCH):
                raise counted.error  # Django's limit was exceeded, and other code caught the error
            if counted.error is not None:
                raise Malformed("The form cannot be read.")
            said = content_length(http.META.get("CONTENT_LENGTH"))
            if said is not None and said > counted.length:
                raise Malformed("The body ends before its Content-Length.")
            boundary = last_boundary(http.META.get("CONTENT_TYPE"))
            if counted.length and boundary not in counted.tail:
                raise Malformed("The last part is not closed.")
        refuse_fields([*parsed["_post"].lists(), *parsed["_files"].lists()], limits)
