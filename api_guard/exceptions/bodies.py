"""Refusals of the request itself: its body, its headers, its values."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ParseError, UnsupportedMediaType

from api_guard.exceptions.refusal import Refusal


class MalformedBody(Refusal, ParseError):
    """The body is not what its Content-Type says, or may be read in more than one way."""

    status_code = 400
    default_detail = _("The body cannot be read.")
    default_code = "malformed_body"


class BodyOverLimit(Refusal, ParseError):
    """The body exceeds a limit of this view."""

    status_code = 400
    default_detail = _("The body exceeds a limit.")
    default_code = "body_over_limit"


class BodyTooLarge(Refusal):
    """The body has more bytes than this view accepts; it was not read (RFC 9110 §15.5.14)."""

    status_code = 413
    default_detail = _("The body is too large.")
    default_code = "body_too_large"


class LengthRequired(Refusal):
    """The body came without its length, so that this server would not read it (RFC 9112 §6.3)."""

    status_code = 411
    default_detail = _("Send the body with a Content-Length.")
    default_code = "length_required"


class UnsupportedCharset(Refusal, UnsupportedMediaType):
    """The Content-Type names an encoding other than UTF-8."""

    status_code = 415
    default_detail = _("Send the body in UTF-8.")
    default_code = "unsupported_charset"

    def __init__(self) -> None:
        Refusal.__init__(self)


class MalformedRequest(Refusal, ParseError):
    """The query string, a header field or a cookie cannot be read, or is too long."""

    status_code = 400
    default_detail = _("The request cannot be read.")
    default_code = "malformed_request"


class InvalidValue(Refusal, ParseError):
    """The view failed on a value that the client sent; nothing was stored."""

    status_code = 400
    default_detail = _("The request has a value that cannot be used.")
    default_code = "invalid_value"
