"""Looks at a multipart form that something else has parsed before DRF could."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent

from api_guard.core.bodies import Malformed
from api_guard.core.forms import refuse_fields
from api_guard.core.limits import Limits
from api_guard.core.media_types import content_length
from api_guard.parsers.reading import refusals
from api_guard.parsers.streams import Counted, last_boundary

_FORM = "_api_guard_form"
_TOO_MUCH = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)
_MULTIPART = "multipart/form-data"


def watch_form(http: Any) -> None:
    """Have Django remember how a multipart form of `http` ended, whoever has it parsed.

    A middleware that reads `request.POST` does, and so does the check for CSRF. DRF then takes what
    it finds there, and asks no parser.
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
    """Raise a refusal for a form that was parsed already, and that our parser would not take."""
    parsed = vars(http)
    counted: Counted | None = parsed.get(_FORM)
    if counted is None and ("_post" not in parsed or http.content_type != _MULTIPART):
        return
    if http.method != "POST":
        return  # of which Django parses no form
    with refusals():
        if counted is not None:
            if isinstance(counted.error, _TOO_MUCH):
                raise counted.error  # more than Django takes, which somebody caught
            if counted.error is not None:
                raise Malformed("The form cannot be read.")
            said = content_length(http.META.get("CONTENT_LENGTH"))
            if said is not None and said > counted.length:
                raise Malformed("The body ends before its Content-Length.")
            boundary = last_boundary(http.META.get("CONTENT_TYPE"))
            if counted.length and boundary not in counted.tail:
                raise Malformed("The last part is not closed.")
        refuse_fields([*parsed["_post"].lists(), *parsed["_files"].lists()], limits)
