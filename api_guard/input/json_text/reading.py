"""Reads JSON, and refuses what parsers read in different ways."""

from __future__ import annotations

from typing import Any

import msgspec

from api_guard.core.bodies import Malformed, OverLimit, decoded
from api_guard.core.limits import Limits
from api_guard.input.json_text import numbers, tree
from api_guard.input.json_text.keys import has_colons, refuse_duplicates
from api_guard.input.json_text.shape import items_in, may_have_long_text, outside, shape_of

# Knows RFC 8259 and nothing else: no NaN, no Infinity, no number that overflows to it, no lone
# surrogate, no byte that is not UTF-8.
_decoder = msgspec.json.Decoder()
_CUT_OFF = "Input data was truncated"
_KINDS = {"object": dict, "list": list}


def loads(body: bytes, limits: Limits) -> Any:
    """Return what the JSON in `body` says. Raise Malformed or OverLimit.

    That is RFC 8259 in UTF-8, without what parsers read in different ways: duplicate keys, NaN,
    Infinity and numbers that overflow to it, lone surrogates, and the null character.
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
    # A key that stands twice in an object is twice in the text, and once in the dict.
    if not has_colons(shape, names, count):
        refuse_duplicates(decoded(body))
    if has_escapes and b"\\u0000" in body.replace(b"\\\\", b""):
        raise Malformed("The body holds a null character.")
    if len(body) > limits.text and may_have_long_text(body, limits.text):
        _bound_texts(value, limits.text)
    kind = _KINDS.get(limits.top)
    if kind is not None and type(value) is not kind:
        raise Malformed(f"The body must be a JSON {limits.top}.")
    return value


def _bound_items(shape: bytes, limits: Limits) -> None:
    most = limits.items
    # The first two are cheap, and may count what stands inside strings.
    if len(shape) > most and items_in(shape) > most and items_in(outside(shape)) > most:
        raise OverLimit(f"The body holds more than {most} values.")


def _bound_texts(value: Any, most: int) -> None:
    if any(len(text) > most for text in tree.texts_in(value)):
        raise OverLimit(f"A text is longer than {most} characters.")


def _decode(body: bytes) -> Any:
    try:
        return _decoder.decode(body)
    except RecursionError:
        raise OverLimit("Lists and objects are nested too deep.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        decoded(body)  # a body that is not UTF-8 is not JSON for that
        if isinstance(error, msgspec.ValidationError):
            raise Malformed("A number is too large.") from None
        raise Malformed(f"The body is not JSON: {_why(error, body)}.") from None


def _why(error: ValueError | msgspec.DecodeError, body: bytes) -> str:
    said = str(error).removeprefix("JSON is malformed: ")
    if said != _CUT_OFF:
        return said
    # msgspec says the same of half a surrogate pair after which little more comes.
    return "it ends too soon" + (", or in a lone surrogate" if b"\\ud" in body.lower() else "")
