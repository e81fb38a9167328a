"""Whatever JSON comes, a serializer of any field stores it or refuses it: it does not break."""

from __future__ import annotations

import json

import pytest
from django.urls import path
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework import serializers
from rest_framework.generics import CreateAPIView, GenericAPIView
from rest_framework.response import Response
from rest_framework.test import APIClient

from api_guard import PUBLIC, guard
from tests.hostile.models import Record

public = guard(read=PUBLIC, write=PUBLIC)


class RecordSerializer(serializers.ModelSerializer):
    class Meta:
        model = Record
        fields = "__all__"


class RowSerializer(serializers.Serializer):
    number = serializers.IntegerField(required=False)
    when = serializers.DateTimeField(required=False)


class ReadSerializer(serializers.Serializer):
    """What no column of a model has."""

    numbers = serializers.ListField(child=serializers.IntegerField(), required=False)
    anything = serializers.ListField(required=False)
    named = serializers.DictField(child=serializers.FloatField(), required=False)
    choices = serializers.MultipleChoiceField(choices=["a", "b", 1], required=False)
    row = RowSerializer(required=False)
    rows = RowSerializer(many=True, required=False)
    pattern = serializers.RegexField("^[a-z]+$", required=False)
    exact = serializers.DecimalField(max_digits=None, decimal_places=2, required=False)
    rounded = serializers.DecimalField(
        max_digits=8, decimal_places=2, coerce_to_string=False, required=False
    )
    address = serializers.IPAddressField(required=False)
    json = serializers.JSONField(required=False)
    binary = serializers.JSONField(binary=True, required=False)
    link = serializers.HyperlinkedRelatedField(
        queryset=Record.objects.all(), view_name="record", required=False
    )
    # MySQL and MariaDB take " " for "", which several have.
    slug = serializers.SlugRelatedField(
        "slug", queryset=Record.objects.exclude(slug=""), required=False
    )
    keys = serializers.PrimaryKeyRelatedField(
        queryset=Record.objects.all(), many=True, required=False
    )


@public
class Stored(CreateAPIView):
    queryset = Record.objects.all()
    serializer_class = RecordSerializer


@public
class Read(GenericAPIView):
    queryset = Record.objects.all()
    serializer_class = ReadSerializer

    def post(self, request):
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response(serializer.data)


urlpatterns = [
    path("stored", Stored.as_view()),
    path("stored/<int:pk>", Stored.as_view(), name="record"),
    path("read", Read.as_view()),
]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]

# The row that keys lead to; no sequence comes to it.
TARGET = 2**31
EDGES = [
    0, 1, -1, 2**15, 2**31, 2**63, -(2**63) - 1, 10**100, 1e308, 1e-320, 0.1 + 0.2,
    "", " ", "a", "1", "-0", "1e400", "1e999999999", "-1e-999999999", "NaN", "sNaN", "-Infinity",
    "٣", "1_000", "x" * 200, "\ud800", "\x00", "a\x00b", "\U0010ffff", "null", "true",
    "0001-01-01", "9999-12-31", "0000-00-00", "2026-02-30", "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59", "2026-11-24T07:30:00Z", "24:00", "23:59:60", "07:30:00+05:00",
    "999999999 23:59:59", "1000000000 00:00:00", "-999999999 00:00:00", "P999999999999D", "P1Y",
    "2026-W01", "00000000-0000-0000-0000-000000000000", "urn:uuid:1", "::1", "::ffff:1.2.3.4",
    "1.2.3.999", "http://[", "http://[::1]:99999/", "//", "/stored/1", "/stored/9" + "9" * 19,
    "http://a/stored/1", "a@[127.0.0.1]", "a@" + "b." * 100 + "c", "[1, 2", '{"a": 1e400}',
    [], {}, [[]], {"": ""}, [1e308], [None], {"a": {"a": []}}, [{}],
]  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
    | st.sampled_from(EDGES),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


def bodies(serializer_class):
    names = st.sampled_from(list(serializer_class().fields))
    return st.dictionaries(names | st.text(max_size=8), values, max_size=8)


def post(place, data, ascii_only):
    text = json.dumps(data, ensure_ascii=ascii_only)
    body = text.encode(errors="surrogatepass")
    # An exception of the view is raised here, and is what this looks for.
    return APIClient().generic("POST", place, body, "application/json")


many = settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])


@many
@given(st.data(), st.booleans())
def test_a_model_s_serializer_stores_all_of_it_or_nothing(data, ascii_only):
    Record.objects.exclude(pk=TARGET).delete()
    Record.objects.get_or_create(pk=TARGET)
    response = post("/stored", data.draw(bodies(RecordSerializer)), ascii_only)
    assert response.status_code in (201, 400), response.content
    assert Record.objects.count() == (2 if response.status_code == 201 else 1)
    assert json.loads(response.content)


@many
@given(st.data(), st.booleans())
def test_fields_of_every_other_kind_read_it_or_refuse_it(data, ascii_only):
    response = post("/read", data.draw(bodies(ReadSerializer)), ascii_only)
    assert response.status_code in (200, 400), response.content
    json.loads(response.content)


@pytest.mark.slow
@pytest.mark.parametrize("value", EDGES, ids=repr)
def test_every_field_meets_every_edge(value):
    Record.objects.get_or_create(pk=TARGET)
    for place, serializer_class in (("/stored", RecordSerializer), ("/read", ReadSerializer)):
        for name in serializer_class().fields:
            response = post(place, {name: value}, ascii_only=True)
            assert response.status_code in (200, 201, 400), (name, response.content)
