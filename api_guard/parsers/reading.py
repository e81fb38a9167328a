"""Reads a whole body, and checks its length, its encoding and the limits of the view."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import UnreadablePostError
from rest_framework.exceptions import ParseError

from api_guard import conf
from api_guard.access.endpoints import policy_of
from api_guard.core.bodies import BodyError, OverLimit
from api_guard.core.limits import Limits
from api_guard.core.media_types import content_length, is_utf8
from api_guard.exceptions import (
    BodyOverLimit,
    BodyTooLarge,
    MalformedBody,
    Refusal,
    UnsupportedCharset,
)


def limits_of(view_class: type | None) -> Limits:
    """Return the limits of a view: those of its guard, and the settings for the rest."""
    policy = policy_of(view_class)
    return conf.limits() if policy is None else conf.limits().but(policy.limits)


def limits_in(context: Mapping[str, Any]) -> Limits:
    """Return the limits of the view in the parser context."""
    view = context.get("view")
    return limits_of(None if view is None else type(view))


def whole(stream: Any, context: Mapping[str, Any], most: int) -> bytes:
    """Return the whole body in UTF-8. Raises a refusal if it is too large or cut off."""
    if not is_utf8(context.get("encoding")):
        raise UnsupportedCharset
    body: bytes = stream.read(most + 1)
    if len(body) > most:
        raise BodyTooLarge
    refuse_cut_off(len(body), context)
    return body


def refuse_cut_off(length: int, context: Mapping[str, Any]) -> None:
    """Raise MalformedBody if the body is shorter than its Content-Length."""
    request = context.get("request")
    said = None if request is None else content_length(request.META.get("CONTENT_LENGTH"))
    if said is not None and said > length:
        raise MalformedBody("The body ends before its Content-Length.")


class refusals:  # noqa: N801  # a context manager, which reads as a function
    """Turn errors of our parsers into refusals, which DRF turns into responses."""

    __slots__ = ()

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        refusal = None if error is None else refusal_of(error)
        if refusal is not None:
            raise refusal from None
        if isinstance(error, ParseError) and not isinstance(error, Refusal):
            # The message of the DRF parser contains input of the client.
            raise MalformedBody from None


def refusal_of(error: BaseException) -> Refusal | None:
    """Return the refusal for an error of Django or of our readers about a body, or None.

    A ParseError of another parser or of a handler has none.
    """
    match error:
        case OverLimit():
            return BodyOverLimit(str(error))
        case BodyError():
            return MalformedBody(str(error))
        case TooManyFieldsSent() | TooManyFilesSent():
            return BodyOverLimit()
        case RequestDataTooBig():
            return BodyTooLarge()
        case UnreadablePostError():
            # The client has disconnected, so nobody gets this response.
            return MalformedBody("The body ends before its Content-Length.")
    return None
