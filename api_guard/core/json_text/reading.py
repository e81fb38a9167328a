"""Reads JSON, and refuses what parsers read in different ways."""

from __future__ import annotations

import functools
import gc
import json
import re
from collections.abc import Generator, Iterator
from itertools import chain
from typing import Any, NoReturn

from api_guard.core.json_text.errors import BodyError, Malformed, OverLimit
from api_guard.core.json_text.shape import (
    SHAPE,
    items_in,
    may_have_long_number,
    may_have_long_text,
    outside,
    shape_of,
)
from api_guard.core.limits import Limits

_ODD_ESCAPES = ("\\ud", "\\uD", "\\u0000")
_ESCAPE = re.compile(
    r"\\(?:u(?P<null>0000)|u(?P<high>d[89ab]..)(?P<low>\\ud[c-f]..)?|u(?P<lone>d[c-f]..)|.)",
    re.IGNORECASE | re.DOTALL,
)
# Up to here it takes less to look at every pair than to prove that there is no need.
_SHORT = 1000
_KINDS = {"object": dict, "list": list}


def loads(body: bytes, limits: Limits) -> Any:
    """Return what the JSON in `body` says. Raise Malformed or OverLimit.

    That is RFC 8259 in UTF-8, without what parsers read in different ways: duplicate keys, NaN,
    Infinity and numbers that overflow to it, lone surrogates, and the null character.
    """
    if len(body) <= _SHORT and _is_simple(body, limits):
        return _of_kind(_decode(_SIMPLE, decoded(body)), limits)
    has_escapes = b"\\" in body
    shape = shape_of(body, has_escapes)
    _bound_items(shape, limits)
    text = decoded(body)
    objects: list[dict[str, Any]] = []
    collector, numbers = _collector(objects), _finite_floats()
    next(collector)
    next(numbers)
    if may_have_long_number(body, limits):
        hooks = _bounded_numbers(limits.digits)
    else:
        hooks = {"parse_float": numbers.send}
    value = _decode(_decoder(object_hook=collector.send, **hooks), text)
    if shape.count(b"[") + shape.count(b"{") > limits.depth:
        _bound_depth(value, limits.depth)
    names: set[str] = set().union(*objects)
    if max(map(len, names), default=0) > limits.name:
        raise OverLimit(f"A key is longer than {limits.name} characters.")
    # A key that stands twice in an object is twice in the text, and once in the dict.
    if not _has_colons(shape, names, sum(map(len, objects))):
        _decode(_SIMPLE, text)
    if has_escapes and any(escape in text for escape in _ODD_ESCAPES):
        _refuse_odd_characters(text)
    if len(body) > limits.text and may_have_long_text(text, limits.text):
        _bound_texts(value, limits.text)
    return _of_kind(value, limits)


def _of_kind(value: Any, limits: Limits) -> Any:
    kind = _KINDS.get(limits.top)
    if kind is not None and type(value) is not kind:
        raise Malformed(f"The body must be a JSON {limits.top}.")
    return value


def decoded(body: bytes) -> str:
    """Return `body` read as UTF-8, which is the one encoding of JSON (RFC 8259 §8.1)."""
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"The body is not UTF-8: byte {error.start} is wrong.") from None


def _has_colons(shape: bytes, names: set[str], keys: int) -> bool:
    """Whether a text has just as many colons after keys as its objects have keys."""
    if shape.count(b":") == keys:
        return True
    # Where no key holds a character of the shape, `"":` is a key there, and nothing else is.
    return SHAPE.isdisjoint("".join(names)) and shape.count(b'"":') == keys


def _is_simple(body: bytes, limits: Limits) -> bool:
    """Whether nothing in a short body can be over a limit, or an odd character."""
    return (
        len(body) <= min(limits.items, limits.text)
        and b"\\" not in body
        and body.count(b"[") + body.count(b"{") <= limits.depth
        and not may_have_long_number(body, limits)
        and (len(body) <= limits.name or not may_have_long_text(decoded(body), limits.name))
    )


def _bound_items(shape: bytes, limits: Limits) -> None:
    most = limits.items
    # The first two are cheap, and may count what stands inside strings.
    if len(shape) > most and items_in(shape) > most and items_in(outside(shape)) > most:
        raise OverLimit(f"The body holds more than {most} values.")


def _bound_depth(value: Any, most: int) -> None:
    level = [value]
    for _ in range(most):
        # What lists and objects refer to is what they hold.
        level = gc.get_referents(*level)
        if not level:
            return
    if any(isinstance(item, (list, dict)) for item in level):
        raise OverLimit(f"Lists and objects are nested deeper than {most}.")


def _collector(found: list[dict[str, Any]]) -> Generator[Any, dict[str, Any], None]:
    # A generator, because to resume one costs half as much as to call a function.
    item: Any = None
    while True:
        item = yield item
        found.append(item)


def _finite_floats() -> Generator[Any, str, None]:
    value: Any = None
    while True:
        number = yield value
        value = float(number)
        if value - value:
            _refuse_number(len(number), number)


def _finite_float(number: str) -> float:
    value = float(number)
    if value - value:
        _refuse_number(len(number), number)
    return value


def _bounded_numbers(most: int) -> dict[str, Any]:
    def read_float(number: str) -> float:
        if len(number) > most:
            _refuse_number(most, number)
        return _finite_float(number)

    def read_int(number: str) -> int:
        if len(number) > most:
            _refuse_number(most, number)
        return int(number)

    return {"parse_float": read_float, "parse_int": read_int}


def _decode(decoder: json.JSONDecoder, text: str) -> Any:
    try:
        return decoder.decode(text)
    except BodyError:
        raise
    except ValueError as error:
        raise Malformed(f"The body is not JSON: {error}.") from None
    except RecursionError:
        raise OverLimit("Lists and objects are nested too deep.") from None


def _refuse_number(most: int, number: str) -> NoReturn:
    if len(number) > most:
        raise OverLimit(f"A number has more than {most} digits.")
    raise Malformed("A number is too large.")


def _refuse_constant(name: str) -> NoReturn:
    raise Malformed(f"{name} is not JSON.")


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("A key stands twice in one object.")
    return found


_decoder = functools.partial(json.JSONDecoder, parse_constant=_refuse_constant)
# Reads what needs no limits, and refuses a key that stands twice. Slower for many objects.
_SIMPLE = _decoder(object_pairs_hook=_refuse_duplicates, parse_float=_finite_float)


def _refuse_odd_characters(text: str) -> None:
    for escape in _ESCAPE.finditer(text):
        if escape["null"]:
            raise Malformed("The body holds a null character.")
        if escape["lone"] or (escape["high"] and not escape["low"]):
            raise Malformed("The body holds a lone surrogate.")


def _bound_texts(value: Any, most: int) -> None:
    for text in _texts(value):
        if len(text) > most:
            raise OverLimit(f"A text is longer than {most} characters.")


def _texts(value: Any) -> Iterator[str]:
    level = [value]
    while level:
        yield from (item for item in level if isinstance(item, str))
        lists = (item for item in level if isinstance(item, list))
        objects = (item.values() for item in level if isinstance(item, dict))
        level = [*chain.from_iterable(chain(lists, objects))]
