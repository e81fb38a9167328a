"""What JSON may hold, how much of it, and how fast that is found out."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import serializers

from api_guard.core.structures import JSONLimits, find_json_flaw
from api_guard.exceptions import GuardError
from api_guard.fields import (
    BoundedDictField,
    BoundedIntegerField,
    BoundedJSONField,
    BoundedListField,
    PlainTextField,
)

SMALL = JSONLimits(max_depth=2, max_items=5, max_bytes=40, max_key_length=5)


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


def flaw(value, limits=SMALL):
    found = find_json_flaw(value, limits)
    return found and found.code


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, None),
        (True, None),
        ("x" * 38, None),
        ("x" * 39, "max_bytes"),
        ("é" * 19, None),
        ("é" * 20, "max_bytes"),
        ([[1, 2], [3]], None),
        ([[[1]]], "too_deep"),
        ({"a": {"b": 1}}, None),
        ({"a": {"b": {}}}, "too_deep"),
        ([1, 2, 3, 4, 5], None),
        ([1, 2, 3, 4, 5, 6], "too_many_items"),
        ([[1, 2], [3, 4]], "too_many_items"),
        ({"abcde": 1}, None),
        ({"abcdef": 1}, "key_too_long"),
        ({1: 1}, "invalid"),
        ({"a\x00": 1}, "null_character"),
        ({"\ud800": 1}, "surrogate"),
        (["a\x00"], "null_character"),
        (["\udfff"], "surrogate"),
        (2**63 - 1, None),
        (2**63, "number_too_large"),
        (-(2**63), "number_too_large"),
        (1e308, None),
        (math.inf, "not_finite"),
        ([math.nan], "not_finite"),
        ([object()], "invalid"),
        (b"x", "invalid"),
        (["123456789", "123456789", "123456789", "123456789"], "max_bytes"),
    ],
)
def test_each_limit_has_its_code(value, code):
    assert flaw(value) == code


def test_a_flaw_says_where_it_is_without_repeating_what_came():
    assert "$.a[1]" in find_json_flaw({"a": [1, "\x00"]}, JSONLimits()).message
    deep = find_json_flaw({"k" * 90: {"l" * 90: {"m" * 90: {"n" * 90: "\x00"}}}}, JSONLimits())
    assert len(deep.message) < 130


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
)


@given(JSON)
def test_what_passes_is_as_small_as_it_says(value):
    if flaw(value) is None:
        written = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        assert len(written.encode()) <= SMALL.max_bytes
        assert "\x00" not in written


def refused(field, data):
    with pytest.raises(serializers.ValidationError) as caught:
        field.run_validation(data)
    detail = caught.value.detail
    if isinstance(detail, dict):
        return {key: [error.code for error in errors] for key, errors in detail.items()}
    return [error.code for error in detail]


def test_json_is_taken_as_it_is():
    value = {"a": [1, 2.5, None, "x"], "b": True}
    assert BoundedJSONField().run_validation(value) == value


def test_json_that_is_too_much_is_refused_by_name():
    assert refused(BoundedJSONField(max_depth=3), nested(4)) == ["too_deep"]
    assert refused(BoundedJSONField(), nested(100_000)) == ["too_deep"]
    assert refused(BoundedJSONField(max_items=2), [1, 2, 3]) == ["too_many_items"]
    assert refused(BoundedJSONField(max_bytes=5), "abcdef") == ["max_bytes"]
    assert refused(BoundedJSONField(max_key_length=2), {"abc": 1}) == ["key_too_long"]


class Form(serializers.Serializer):
    data = BoundedJSONField(max_bytes=1000)
    tags = BoundedListField(child=PlainTextField(max_length=5), max_length=3, required=False)
    sizes = BoundedDictField(child=BoundedIntegerField(), max_length=2, required=False)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[" * 100_000, "max_bytes"),
        ("[" * 2000 + "]" * 2000, "too_deep"),
        ("1" * 3999, "number_too_large"),
        ("{", "invalid"),
        ('"\\u0000"', "null_character"),
        ("NaN", "invalid"),
        ("1e400", "not_finite"),
    ],
)
def test_a_form_is_held_to_the_same(text, code):
    from django.http import QueryDict

    query = QueryDict(mutable=True)
    query["data"] = text
    form = Form(data=query)
    assert not form.is_valid()
    assert [error.code for error in form.errors["data"]] == [code]
    query["data"] = '{"a": [1]}'
    form = Form(data=query)
    assert form.is_valid()
    assert form.validated_data["data"] == {"a": [1]}


def test_binary_json_is_held_to_the_same():
    field = BoundedJSONField(binary=True, max_bytes=100)
    assert field.run_validation(b'{"a": 1}') == {"a": 1}
    assert refused(field, b"[" * 401) == ["max_bytes"]
    assert refused(BoundedJSONField(binary=True), b"[" * 200_000) == ["too_deep"]


def test_a_list_is_bounded_before_its_items_are_looked_at():
    field = BoundedListField(child=PlainTextField(max_length=5), max_length=3)
    assert field.run_validation(["a", "b", "c"]) == ["a", "b", "c"]
    assert refused(field, ["a"] * 4) == ["max_length"]
    assert refused(field, ["a", "\u202e"]) == {"1": ["bidi_control"]}
    assert refused(field, {"a": 1}) == ["not_a_list"]


def test_no_more_than_ten_errors_of_a_list_are_told():
    field = BoundedListField(child=PlainTextField(max_length=5), max_length=1000)
    assert len(refused(field, ["\x00"] * 1000)) == 10


def test_a_mapping_is_bounded_in_keys_and_values():
    field = BoundedDictField(child=BoundedIntegerField(), max_length=2, max_key_length=3)
    assert field.run_validation({"a": 1}) == {"a": 1}
    assert refused(field, {"a": 1, "b": 2, "c": 3}) == ["max_length"]
    assert refused(field, {"a\u202e": 1}) == ["bidi_control"]
    assert refused(field, {"abcd": 1}) == ["max_length"]
    assert refused(field, {1: 1}) == ["not_a_dict"]
    assert refused(field, {"a": "x"}) == {"a": ["invalid"]}
    assert refused(field, [1]) == ["not_a_dict"]


def test_a_validator_of_django_in_a_child_keeps_its_code():
    from django.core.validators import validate_slug

    class Raw(serializers.Field):
        def to_internal_value(self, data):
            validate_slug(data)
            return data

    field = BoundedListField(child=Raw(), max_length=2)
    assert refused(field, ["a b"]) == {"0": ["invalid"]}


@pytest.mark.parametrize("cls", [BoundedListField, BoundedDictField])
def test_a_list_without_a_limit_says_what_to_write(cls):
    with pytest.raises(GuardError, match=r"needs a max_length. Write: .*max_length=20"):
        cls(child=BoundedIntegerField())
    with pytest.raises(GuardError, match=r"needs a child. Write: .*child=PlainTextField"):
        cls(max_length=3)
