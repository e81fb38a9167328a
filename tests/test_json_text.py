"""JSON within limits: what is accepted is what every parser reads, and nothing breaks it."""

from __future__ import annotations

import bisect
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_guard.core.bodies import BodyError, Malformed, OverLimit
from api_guard.core.limits import DEFAULT, Limits, LimitsError, parse_limits
from api_guard.input.json_text import loads
from tests.strict_json import NotStrict, strictly

ANY = Limits(top="any")
SMALL = Limits(depth=3, items=8, digits=5, text=8, name=4, top="any")

FLAWS = [
    (b"", "not JSON"),
    (b"{", "not JSON: it ends too soon.$"),
    (b"[[[[[", "not JSON"),
    (b"\xef\xbb\xbf{}", "not JSON"),
    (b"\xff", "not UTF-8"),
    (b'"\xed\xa0\x80"', "not UTF-8"),
    (b'"\xc0\xaf"', "not UTF-8"),
    ('"a"'.encode("utf-16"), "not UTF-8"),
    (b'"\x00"', "not JSON"),
    (b'"\\u0000"', "null character"),
    (b'{"\\u0000": 1}', "null character"),
    (b'"\\ud800"', "a lone surrogate"),
    (b'"\\uDFFF"', "not JSON"),
    (b'"\\ud800\\u0041"', "not JSON"),
    (b'"\\ud800\\ud83d\\ude00"', "not JSON"),
    (b'"\\\\\\ud800"', "not JSON"),
    (b"NaN", "not JSON: invalid character"),
    (b"[-Infinity]", "not JSON"),
    (b"1e400", "too large"),
    (b'{"a": [-1e400]}', "too large"),
    (b'{"a": 1, "a": 1}', "twice"),
    (b'{"a": 1, "\\u0061": 1}', "twice"),
    (b'[{"a": 1}, {"b": {"c": 1, "c": 2}}]', "twice"),
    # Characters of the shape, in and around the keys, hide no key that stands twice.
    (b'{"a:": 1, "a:": 2, "b": 3}', "twice"),
    (b'{"a": 1, "b": 2, "b": 3, "c:": 4}', "twice"),
    (b'{"a" : ":", "a" : ":\\":"}', "twice"),
    (b'{"\\"": 1, "\\"": 2, "b": ":"}', "twice"),
    (b'{"\\u003a": 1, "b": 1, "b": 1}', "twice"),
]


@pytest.mark.parametrize(("body", "said"), FLAWS)
def test_what_parsers_read_in_different_ways_is_malformed(body, said):
    with pytest.raises(Malformed, match=said):
        loads(body, ANY)


@pytest.mark.parametrize(
    ("body", "meant"),
    [
        (b'"\\ud83d\\ude00"', "😀"),
        (b'"\\\\ud800"', "\\ud800"),
        (b'"\\\\u0000"', "\\u0000"),
        (b'{"a": 1, "A": 1, "": {"a": 1}}', {"a": 1, "A": 1, "": {"a": 1}}),
        (b'[{"at": "05:30:00"}, {"at:": ":"}]', [{"at": "05:30:00"}, {"at:": ":"}]),
        (b'["]", "[", "{\\"", ","]', ["]", "[", '{"', ","]),
        (b"[1e308, -0.0, 1e-400]", [1e308, 0.0, 0.0]),
        (b" [ ] ", []),
    ],
)
def test_what_has_one_meaning_is_read(body, meant):
    assert loads(body, ANY) == meant


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[[[[]]]]", "deeper than 3"),
        (b'{"a":{"a":{"a":{"a":1}}}}', "deeper than 3"),
        (b'["]", ["]", ["]", ["]"]]]]', "deeper than 3"),
        (b"[1,1,1,1,1,1,1,1,1]", "more than 8 values"),
        (b"[[],[],[],[],[]]", "more than 8 values"),
        (b"123456", "more than 5 digits"),
        (b"[1.23456]", "more than 5 digits"),
        (b"1e-0001", "more than 5 digits"),
        (b'"123456789"', "longer than 8 characters"),
        (b'{"a": ["\\"\\"\\"\\"\\"\\"\\"\\"\\""]}', "longer than 8 characters"),
        (b'{"abcde": 1}', "longer than 4 characters"),
    ],
)
def test_what_holds_too_much_is_over_the_limit(body, said):
    with pytest.raises(OverLimit, match=said):
        loads(body, SMALL)


@pytest.mark.parametrize(
    "body",
    [
        b"[[[]]]",
        b"[[[1]],[]]",
        b'["]", "]", "]", "]"]',
        b"[1,1,1,1,1]",
        b'",,,,,,,,"',
        b"12345",
        b'"12345678"',
        b'"\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9"',
        b'{"abcd": 1}',
    ],
)
def test_what_holds_just_enough_is_within_the_limit(body):
    assert loads(body, SMALL) == json.loads(body)


def test_a_depth_beyond_the_interpreter_s_own_is_no_crash():
    with pytest.raises(OverLimit, match="too deep"):
        loads(b"[" * 100_000 + b"]" * 100_000, Limits(depth=200_000, items=300_000, top="any"))


@pytest.mark.parametrize("inner", [b"1" * 200, b'{"a:": 1, "a:": 2}'])
def test_what_a_second_look_cannot_reach_is_not_let_through(inner):
    """A second look needs more of the interpreter's depth than the first."""
    limits = Limits(depth=200_000, items=300_000, top="any")

    def nested(depth, inner=b"1"):
        return loads(b"[" * depth + inner + b"]" * depth, limits)

    def is_too_deep(depth):
        try:
            nested(depth)
        except OverLimit:
            return True
        return False

    deepest = bisect.bisect_left(range(100_000), True, key=is_too_deep)
    for depth in range(deepest - 20, deepest + 2):
        with pytest.raises(BodyError):
            nested(depth, inner)


@pytest.mark.parametrize(
    ("top", "body", "is_read"),
    [
        ("object", b"{}", True),
        ("object", b"[]", False),
        ("object", b"null", False),
        ("list", b"[]", True),
        ("list", b"{}", False),
        ("any", b"1", True),
    ],
)
def test_the_top_is_of_the_declared_kind(top, body, is_read):
    if is_read:
        loads(body, Limits(top=top))
    else:
        with pytest.raises(Malformed, match=f"must be a JSON {top}"):
            loads(body, Limits(top=top))


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=30,
)  # fmt: skip


@given(values, st.booleans(), st.sampled_from([None, 2]))
def test_every_value_comes_back_as_it_was_written(value, ascii_only, indent):
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert loads(text.encode(), ANY) == value


shapes = st.text('[]{}:,"\\ au0d8\n1e9.', max_size=60).map(str.encode)


@given(shapes | st.binary(max_size=60))
def test_whatever_comes_is_read_as_python_reads_it_strictly_or_is_read_by_neither(body):
    try:
        value = loads(body, ANY)
    except Malformed:
        with pytest.raises(NotStrict):
            strictly(body)
    else:
        assert json.dumps(value) == json.dumps(strictly(body))


@given(values.filter(lambda value: isinstance(value, dict) and value), texts, st.data())
def test_a_key_that_stands_twice_is_refused_wherever_it_stands(value, text, data):
    key = data.draw(st.sampled_from(sorted(value)))
    again = json.dumps({key: text}, ensure_ascii=data.draw(st.booleans()))
    body = f"[{json.dumps(text)}, {json.dumps(value)[:-1]}, {again[1:]}]"
    with pytest.raises(Malformed, match="twice"):
        loads(body.encode(), ANY)


LONG = b'["' + b"x" * 1200 + b'", %s]'


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'"1"', None),
        (b'{"a": 1, "b": "05:30"}', None),
        (b'{"a": 1, "a": 1}', "twice"),
        (b'{"a": ":", "a": 1}', "twice"),
        (b"1e400", "too large"),
        (b"-1" + b"0" * 60 + b"." + b"0" * 70, "128 digits"),
        (b"1" * 129, "128 digits"),
        (b"1" * 128, None),
        (b"1e-" + b"0" * 130, "128 digits"),
        (b"1.5", None),
        (b'"' + b"1" * 129 + b'", 1, 1e400', "too large"),
        (b'"' + b"1" * 129 + b'", 1, 1.5', None),
        (b'{"' + b"k" * 201 + b'": 1}', "200 characters"),
    ],
)
@pytest.mark.parametrize("around", [b"[%s]", LONG])
def test_short_bodies_and_long_ones_are_held_to_the_same(body, said, around):
    body = around % body
    if said is None:
        assert loads(body, ANY) == json.loads(body)
    else:
        with pytest.raises(BodyError, match=said):
            loads(body, ANY)


@given(st.integers(1, 60), st.booleans())
def test_depth_is_counted_exactly(depth, with_objects):
    opening, closing = ('{"[": ', "}") if with_objects else ('["]", ', "]")
    body = f"{opening * depth}1{closing * depth}".encode()
    if depth > ANY.depth:
        with pytest.raises(OverLimit):
            loads(body, ANY)
    else:
        loads(body, ANY)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({}, "has no limits"),
        (5, "has no limits"),
        ({"byte": 5}, "Did you mean 'bytes'?"),
        ({"bytes": 0}, "whole number above 0"),
        ({"bytes": True}, "whole number above 0"),
        ({"bytes": "5"}, "whole number above 0"),
        ({"top": "dict"}, "not a kind of JSON"),
    ],
)
def test_limits_that_cannot_be_meant_say_why(said, why):
    with pytest.raises(LimitsError, match=why):
        parse_limits(said)


def test_limits_change_what_they_name_and_nothing_else():
    changed = DEFAULT.but(parse_limits({"bytes": 5, "top": "list"}))
    assert (changed.bytes, changed.top, changed.depth) == (5, "list", DEFAULT.depth)
    assert DEFAULT.but(parse_limits(None)) is DEFAULT
