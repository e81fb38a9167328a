"""Numbers as they are written, and as large as their column."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import serializers

from api_guard.core.numbers import is_plain_decimal, is_plain_float, is_plain_integer
from api_guard.exceptions import GuardError
from api_guard.fields import (
    BoundedBigIntegerField,
    BoundedDecimalField,
    BoundedFloatField,
    BoundedIntegerField,
    StrictChoiceField,
)

INTEGER = BoundedIntegerField()
FLOAT = BoundedFloatField()
DECIMAL = BoundedDecimalField(max_digits=5, decimal_places=2)


def codes(field, data):
    with pytest.raises(serializers.ValidationError) as caught:
        field.run_validation(data)
    return [error.code for error in caught.value.detail]


@pytest.mark.parametrize(
    ("field", "data", "value"),
    [
        (INTEGER, 5, 5),
        (INTEGER, "5", 5),
        (INTEGER, "-5", -5),
        (INTEGER, 5.0, 5),
        (INTEGER, 2**63 - 1, 2**63 - 1),
        (INTEGER, -(2**63), -(2**63)),
        (BoundedIntegerField(min_value=0), 0, 0),
        (FLOAT, 1.5, 1.5),
        (FLOAT, 1, 1.0),
        (FLOAT, "1.5", 1.5),
        (FLOAT, "-1e3", -1000.0),
        (DECIMAL, "123.45", Decimal("123.45")),
        (DECIMAL, 1, Decimal("1.00")),
        (DECIMAL, 0.1, Decimal("0.10")),
        (DECIMAL, Decimal("1.5"), Decimal("1.50")),
    ],
)
def test_a_plain_number_passes(field, data, value):
    assert field.run_validation(data) == value


@pytest.mark.parametrize("field", [INTEGER, FLOAT, DECIMAL])
@pytest.mark.parametrize(
    "data", ["٣", "1_000", "१", "+1", " 1", "1 ", "", "x", "nan", "0x10", "1,5", True, [1], {}]
)
def test_what_only_python_reads_as_a_number_is_refused(field, data):
    assert codes(field, data) in (["invalid"], ["null"])


@pytest.mark.parametrize(
    ("field", "data", "code"),
    [
        (INTEGER, 1.5, "invalid"),
        (INTEGER, "1.0", "invalid"),
        (INTEGER, 2**63, "max_value"),
        (INTEGER, -(2**63) - 1, "min_value"),
        (INTEGER, "9" * 2000, "max_string_length"),
        (INTEGER, math.inf, "invalid"),
        (BoundedIntegerField(max_value=3), 4, "max_value"),
        (FLOAT, math.inf, "not_finite"),
        (FLOAT, math.nan, "not_finite"),
        (FLOAT, "1e999", "not_finite"),
        (FLOAT, 10**400, "overflow"),
        (DECIMAL, 1000, "max_whole_digits"),
        (DECIMAL, "1000.00", "max_digits"),
        (DECIMAL, "1.234", "max_decimal_places"),
        (DECIMAL, "1e2", "invalid"),
        (DECIMAL, math.inf, "invalid"),
        (DECIMAL, 1e300, "max_digits"),
    ],
)
def test_a_number_that_does_not_fit_is_refused_by_name(field, data, code):
    assert codes(field, data) == [code]


def test_a_number_too_long_to_write_out_is_refused_all_the_same():
    assert codes(INTEGER, 10**5000) == ["invalid"]


def test_a_decimal_without_digits_says_what_to_write():
    with pytest.raises(GuardError, match="Write: BoundedDecimalField\\(max_digits=10"):
        BoundedDecimalField(max_digits=10)


def test_a_big_integer_may_be_written_as_text():
    field = BoundedBigIntegerField(coerce_to_string=True)
    assert field.to_representation(2**60) == str(2**60)
    assert codes(field, "1_0") == ["invalid"]


@given(st.text(max_size=8))
def test_what_is_plain_is_ascii_and_means_what_it_says(text):
    if is_plain_integer(text):
        assert text.isascii()
        assert int(text) == Decimal(text)
    assert is_plain_decimal(text) >= is_plain_integer(text)
    assert is_plain_float(text) >= is_plain_decimal(text)
    if is_plain_float(text):
        assert not set(text) & set("_ \t\n")
        float(text)


CHOICE = StrictChoiceField(choices=["draft", "published"])
NUMBERS = StrictChoiceField(choices=[(1, "one"), (2, "two")])


def test_a_choice_is_of_its_own_type():
    assert CHOICE.run_validation("draft") == "draft"
    assert NUMBERS.run_validation(1) == 1
    for data in ("1", True, 1.0, 3, [1], {}, None):
        assert codes(NUMBERS, data) in (["invalid_choice"], ["null"])
    for data in (1, "DRAFT", "", ["draft"], "x" * 1_000_000):
        assert codes(CHOICE, data) == ["invalid_choice"]
    assert StrictChoiceField(choices=["a"], allow_blank=True).run_validation("") == ""


def test_a_refused_choice_is_not_sent_back():
    with pytest.raises(serializers.ValidationError) as caught:
        CHOICE.run_validation("<script>alert(1)</script>")
    assert caught.value.detail == ["This is not one of the choices."]
    with pytest.raises(serializers.ValidationError) as caught:
        CHOICE.run_validation("publish")
    assert caught.value.detail == ["This is not one of the choices. Did you mean 'published'?"]


def test_a_form_writes_a_choice_as_text():
    from django.http import QueryDict

    class Form(serializers.Serializer):
        number = StrictChoiceField(choices=[1, 2])

    form = Form(data=QueryDict("number=2"))
    assert form.is_valid()
    assert form.validated_data == {"number": 2}
    assert not Form(data=QueryDict("number=3")).is_valid()
    assert not Form(data={"number": "2"}).is_valid()
