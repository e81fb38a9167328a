"""Reads JSON, and refuses JSON that other parsers read differently."""

from __future__ import annotations

from typing import Any

import msgspec

from api_guard.core.bodies import Malformed, OverLimit, decoded
from api_guard.core.limits import Limits
from api_guard.input.json_text import numbers, tree
from api_guard.input.json_text.keys import has_colons, refuse_duplicates
from api_guard.input.json_text.shape import items_in, may_have_long_text, outside, shape_of

# Accepts only RFC 8259: no NaN, no Infinity, no number that overflows to it, no lone surrogate, and
# only UTF-8.
_decoder = msgspec.json.Decoder()
_CUT_OFF = "Input data was truncated"
_KINDS = {"object": dict, "list": list}


def loads(body: bytes, limits: Limits) -> Any:
    """Return the value of the JSON in `body`. Raises Malformed or OverLimit.

    The body must be RFC 8259 in UTF-8. Refused are also duplicate keys, NaN, Infinity, numbers that
    overflow to it, lone surrogates, and null characters, because parsers read them differently.
    """
    has_escapes = b"\\" in body
    shape = shape_of(body, has_escapes)
    _bound_items(shape, limits)
    if numbers.may_be_long(body, limits.digits):
        numbers.bound(body, limits.digits)
    value = _decode(body)
    names, count = tree.keys_in(value, limits.depth)
    if max(map(len, names), default=0) > limits.name:
        raise OverLimit(f"A key is longer than {limits.name} characters.")
    # A duplicate key is twice in the text, but once in the dict.
    if not has_colons(shape, names, count):
        refuse_duplicates(decoded(body))
    if has_escapes and b"\\u0000" in body.replace(b"\\\\", b""):
        raise Malformed("The body contains a null character.")
    if len(body) > limits.text and may_have_long_text(body, limits.text):
        _bound_texts(value, limits.text)
    kind = _KINDS.get(limits.top)
    if kind is not None and type(value) is not kind:
        raise Malformed(f"The body must be a JSON {limits.top}.")
    return value


def _bound_items(shape: bytes, limits: Limits) -> None:
    most = limits.items
    # The first two checks are fast, but may count characters inside strings.
    if len(shape) > most and items_in(shape) > most and items_in(outside(shape)) > most:
        raise OverLimit(f"The body has more than {most} values.")


def _bound_texts(value: Any, most: int) -> None:
    if any(len(text) > most for text in tree.texts_in(value)):
        raise OverLimit(f"A text is longer than {most} characters.")


def _decode(body: bytes) -> Any:
    try:
        return _decoder.decode(body)
    except RecursionError:
        raise OverLimit("Lists and objects are nested too deep.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        decoded(body)  # raises if the body is not UTF-8
        if isinstance(error, msgspec.ValidationError):
            raise Malformed("A number is too large.") from None
        raise Malformed(f"The body is not JSON: {_why(error, body)}.") from None


def _why(error: ValueError | msgspec.DecodeError, body: bytes) -> str:
    said = str(error).removeprefix("JSON is malformed: ")
    if said != _CUT_OFF:
        return said
    # msgspec reports the same error for a lone surrogate near the end.
    return "it ends too soon" + (", or in a lone surrogate" if b"\\ud" in body.lower() else "")
