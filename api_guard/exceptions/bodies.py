"""Refusals of what a client sent: bodies, and the values in them."""

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
    """The body holds more than this view takes."""

    status_code = 400
    default_detail = _("The body holds more than may be.")
    default_code = "body_over_limit"


class BodyTooLarge(Refusal):
    """The body has more bytes than this view takes; it was not read (RFC 9110 §15.5.14)."""

    status_code = 413
    default_detail = _("The body is too large.")
    default_code = "body_too_large"


class LengthRequired(Refusal):
    """The body came without its length, so that this server would not read it (RFC 9112 §6.3)."""

    status_code = 411
    default_detail = _("Send the body with a Content-Length.")
    default_code = "length_required"


class UnsupportedCharset(Refusal, UnsupportedMediaType):
    """The body is said to be in another encoding than UTF-8."""

    status_code = 415
    default_detail = _("Send the body in UTF-8.")
    default_code = "unsupported_charset"

    def __init__(self) -> None:
        Refusal.__init__(self)


class MalformedRequest(Refusal, ParseError):
    """The query string, a header field or a cookie cannot be read, or is too much."""

    status_code = 400
    default_detail = _("The request cannot be read.")
    default_code = "malformed_request"


class InvalidValue(Refusal, ParseError):
    """A value that the client sent could not be worked with; nothing was stored."""

    status_code = 400
    default_detail = _("A value that was sent is not one that can be worked with.")
    default_code = "invalid_value"
