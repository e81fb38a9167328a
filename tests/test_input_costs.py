"""What input costs beside DRF's own, in calls of functions, which no busy machine changes."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from django.db import models
from rest_framework import serializers

from api_guard import fields
from api_guard.core import text
from api_guard.serializers import StrictModelSerializer

NAMES = ["title", "slug", "body", "number", "price", "done", "day", "at", "mail", "ratio"]
ROW = {
    "title": "Tea at six",
    "slug": "tea-at-six",
    "body": "The quick brown fox jumps over the lazy dog.",
    "number": 5,
    "price": "12.50",
    "done": True,
    "day": "2026-11-24",
    "at": "2026-11-24T05:30:00Z",
    "mail": "alice@example.com",
    "ratio": 1.5,
}


class Order(models.Model):
    title = models.CharField(max_length=100)
    slug = models.SlugField()
    body = models.TextField()
    number = models.IntegerField()
    price = models.DecimalField(max_digits=8, decimal_places=2)
    done = models.BooleanField()
    day = models.DateField()
    at = models.DateTimeField()
    mail = models.EmailField()
    ratio = models.FloatField()

    class Meta:
        app_label = "unmigrated"


class Loose(serializers.ModelSerializer):
    class Meta:
        model = Order
        fields = NAMES


class Strict(StrictModelSerializer):
    class Meta:
        model = Order
        fields = NAMES


def calls_of(validate):
    count = 0

    def note(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    validate()
    sys.setprofile(note)
    try:
        validate()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("many", [False, True])
def test_a_strict_serializer_calls_half_as_much_again_as_drf_s_at_most(many):
    data = [dict(ROW) for _ in range(100)] if many else ROW

    def validate(serializer):
        return lambda: serializer(data=data, many=many).is_valid(raise_exception=True)

    assert calls_of(validate(Strict)) <= 1.5 * calls_of(validate(Loose))


@pytest.mark.parametrize("value", ["Tea at six", "Zażółć gęślą jaźń 日本語", "x" * 1000])
def test_plain_text_calls_no_more_than_a_field_of_drf_with_half_as_much_again(value):
    own, stock = fields.PlainTextField(max_length=2000), serializers.CharField(max_length=2000)
    calls = calls_of(lambda: own.run_validation(value))
    assert calls <= 1.5 * calls_of(lambda: stock.run_validation(value))


def test_what_is_usual_holds_neither_a_mark_nor_what_is_refused():
    usual = (chr(code) for code in range(0x110000) if not text._UNUSUAL.match(chr(code)))
    seen = [char for char in usual if char.isprintable()]
    assert len(seen) > 40_000
    assert not [char for char in seen if unicodedata.category(char)[0] == "M"]
    assert not [char for char in seen if text._ANY_REFUSED.match(char) or char in text._JOINERS]


def test_what_plain_text_refuses_is_refused_without_the_validators_of_drf():
    for field in (
        fields.PlainTextField(max_length=50),
        fields.PlainEmailField(),
        fields.PlainSlugField(max_length=50),
        fields.PasswordField(),
    ):
        for value, code in (("a\x00b", "null_character"), ("a\ud800b", "surrogate")):
            with pytest.raises(serializers.ValidationError) as caught:
                field.run_validation(value)
            assert [each.code for each in caught.value.detail] == [code]
