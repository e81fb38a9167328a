"""Checks the request outside the body: the query string, the path, header fields."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterable, Mapping

from api_guard.core.bodies import BodyError
from api_guard.core.forms import refuse_encoded
from api_guard.core.limits import Limits

_NOT_TEXT = re.compile("[\x00\ud800-\udfff]")
_NOT_IN_HEADER = re.compile("[\x00\r\n]")
_LONGEST_PARAMETER = 2**63
_MOST_ACCEPTED = 50
# Do not let a parser read more. Django 6's own parser raises above 10,000.
_LONGEST_ACCEPT = 8192
# `name*=charset'language'value` (RFC 8187). Parameters of these fields do not use this form.
_EXTENDED = re.compile(r"\*\s*=")


class RequestError(ValueError):
    """The request is refused."""


def refuse_query(query: bytes, limits: Limits) -> None:
    """Raise RequestError for a query string that exceeds a limit or is not UTF-8."""
    if len(query) > limits.query:
        raise RequestError(f"The query string is longer than {limits.query} bytes.")
    if query.count(b"&") >= limits.parameters:
        raise RequestError(f"The query string has more than {limits.parameters} parameters.")
    try:
        refuse_encoded(query)
    except BodyError:
        raise RequestError("The query string is not UTF-8, or contains a null character.") from None


def is_parameter(value: object) -> bool:
    """Whether `value` can be a parameter of a path."""
    if isinstance(value, str):
        return _NOT_TEXT.search(value) is None
    return not isinstance(value, int) or abs(value) < _LONGEST_PARAMETER


def refuse_headers(meta: Mapping[str, object]) -> None:
    """Raise RequestError for header fields that crash their readers."""
    fields = [
        value
        for name, value in meta.items()
        # The environment has many entries that are not header fields. A slice is faster than a
        # call.
        if (name[:5] == "HTTP_" or name == "CONTENT_TYPE")
        # The authenticator answers a bad credential, with 401.
        and name != "HTTP_AUTHORIZATION"
        and isinstance(value, str)
    ]
    if _NOT_IN_HEADER.search(" ".join(fields)):
        raise RequestError("A header field contains a null character or a line break.")
    accept = str(meta.get("HTTP_ACCEPT") or "")
    if len(accept) > _LONGEST_ACCEPT:
        raise RequestError(f"The Accept field is longer than {_LONGEST_ACCEPT} characters.")
    if accept.count(",") >= _MOST_ACCEPTED:
        raise RequestError(f"The Accept field names more than {_MOST_ACCEPTED} types.")
    if any(map(_EXTENDED.search, (accept, str(meta.get("CONTENT_TYPE") or "")))):
        raise RequestError("A parameter of Accept or Content-Type is written as name*=.")


def refuse_credentials(authorization: str) -> None:
    """Raise RequestError for a credential with a null character, because databases reject it.

    Basic is decoded first. Bearer is left to its authenticator. Other schemes are checked as they
    are.
    """
    scheme, _, credential = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return
    held = credential.encode("latin-1", "replace")
    if scheme.lower() == "basic":
        try:
            held += b64decode(held)
        except binascii.Error:
            return  # the authenticator will refuse it
    if b"\x00" in held:
        raise RequestError("The credential contains a null character.")


def refuse_cookies(values: Iterable[str]) -> None:
    """Raise RequestError for a cookie that cannot be stored as text."""
    if any(_NOT_TEXT.search(value) for value in values):
        raise RequestError("A cookie contains a null character.")
