"""Checks the fields of a form."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

from api_guard.core.bodies import Malformed, OverLimit, decoded
from api_guard.core.limits import Limits

_REPLACED = "\ufffd"


def refuse_fields(fields: Iterable[tuple[str, Iterable[object]]], limits: Limits) -> None:
    """Raise Malformed or OverLimit for invalid names and values of a form."""
    count = 0
    for name, values in fields:
        if len(name) > limits.name:
            raise OverLimit(f"The name of a field is longer than {limits.name} characters.")
        _refuse_characters(name)
        for value in values:
            count += 1
            if isinstance(value, str):
                if len(value) > limits.text:
                    raise OverLimit(f"A text is longer than {limits.text} characters.")
                _refuse_characters(value)
    if count > limits.items:
        raise OverLimit(f"The form has more than {limits.items} values.")


def refuse_encoded(body: bytes) -> None:
    """Raise Malformed if percent-encoded text is not UTF-8, or contains a null character."""
    if b"%" in body or not body.isascii():
        body = unquote_to_bytes(body)
        decoded(body)
    if b"\x00" in body:
        raise Malformed("The body contains a null character.")


def _refuse_characters(text: str) -> None:
    if "\x00" in text:
        raise Malformed("The body contains a null character.")
    if _REPLACED in text:
        # Django's parser writes this character for invalid bytes.
        raise Malformed("The body is not UTF-8.")
