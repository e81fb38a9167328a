"""Each column that Django has becomes a field of a strict serializer, or is a check error."""

from __future__ import annotations

import inspect
import json
import runpy
import subprocess
import sys
from datetime import datetime, timedelta

import pytest
from django.contrib.postgres import fields as postgres
from django.contrib.postgres import search
from django.db import connection, models
from django.db.backends.postgresql.psycopg_any import DateRange, NumericRange
from django.db.models import fields as columns
from django.http import QueryDict
from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers
from rest_framework.generics import ListCreateAPIView
from rest_framework.utils.field_mapping import ClassLookupDict

from api_guard import PUBLIC, fields, guard
from api_guard.exceptions import GuardError
from api_guard.serializers import StrictModelSerializer, mapping
from tests.hostile.models import Shelf, Stock

RANGES = ["numbers", "large", "prices", "days", "moments"]


class Strict(StrictModelSerializer):
    class Meta:
        model = Shelf
        fields = ["id", "tags", "grid", *RANGES, "address", "content", "words"]


@guard(read=PUBLIC, write=PUBLIC)
class Shelves(ListCreateAPIView):
    queryset = Shelf.objects.all()
    serializer_class = Strict
    schema = AutoSchema()


urlpatterns = [path("shelves", Shelves.as_view())]
pytestmark = pytest.mark.urls(__name__)


# Bases, one that is only there for old migrations, and those of expressions.
NO_COLUMNS = (
    models.Field,
    models.IPAddressField,
    postgres.RangeField,
    search.SearchQueryField,
    search._Float4Field,
)


def classes_in(*modules):
    found = {each for module in modules for _, each in inspect.getmembers(module, inspect.isclass)}
    related = (models.ForeignKey, models.ManyToManyField, models.ForeignObject)
    return sorted(
        (
            each
            for each in found
            if issubclass(each, models.Field)
            and not issubclass(each, related)
            and each not in NO_COLUMNS
        ),
        key=lambda each: each.__name__,
    )


@pytest.mark.parametrize("cls", classes_in(models, columns, postgres, search))
def test_every_column_of_django_has_its_field(cls):
    known = ClassLookupDict(StrictModelSerializer.serializer_field_mapping)
    column = cls.__new__(cls)
    if cls is models.GeneratedField:
        return  # the field of what it is reckoned to
    assert known[column] is not fields.UnmappedField


class Odd(models.Field):
    """A column of a package's."""


class Holding(models.Model):
    odd = Odd()
    odds = postgres.ArrayField(Odd())
    small = models.SmallIntegerField()
    positive = models.PositiveSmallIntegerField()
    few = models.IntegerField(choices=[(5, "five")])
    large = models.BigIntegerField()
    counted = models.IntegerField(editable=False)
    short = models.BinaryField(max_length=3, editable=True)
    content = models.BinaryField()
    span = models.DurationField()
    moment = models.DateTimeField()
    address = models.GenericIPAddressField()
    grid = postgres.ArrayField(postgres.ArrayField(models.IntegerField()))
    sums = models.GeneratedField(
        expression=models.F("small") + 1, output_field=models.SmallIntegerField(), db_persist=True
    )
    shown = models.GeneratedField(
        expression=models.F("small") + 1,
        output_field=models.DecimalField(max_digits=5, decimal_places=2),
        db_persist=True,
    )

    class Meta:
        app_label = "tests"
        managed = False


def made(*names, **more):
    meta = type("Meta", (), {"model": Holding, "fields": names, **more})
    return type("Serializer", (StrictModelSerializer,), {"Meta": meta})()


def code_of(field, data):
    with pytest.raises(serializers.ValidationError) as caught:
        field.run_validation(data)
    found = caught.value.detail
    while not hasattr(found, "code"):
        found = next(iter(found.values() if isinstance(found, dict) else found))
    return found.code


@pytest.mark.parametrize("name", ["odd", "odds"])
def test_a_column_that_nobody_knows_says_what_to_write(name):
    with pytest.raises(GuardError, match=r"a Odd, and api_guard has no field for it\. Declare a"):
        _ = made(name).fields
    if name == "odd":
        shown = made(name, read_only_fields=[name]).fields[name]
        assert isinstance(shown, fields.UnmappedField)
        with pytest.raises(GuardError, match=r"odd = PlainTextField\(max_length=100\)"):
            _ = made(name).fields


@pytest.mark.skipif(connection.vendor != "sqlite", reason="others say by themselves what they hold")
@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("small", -(2**15), 2**15 - 1),
        ("positive", 0, 2**15 - 1),
        ("large", -(2**63), 2**63 - 1),
    ],
)
def test_sqlite_is_given_what_every_database_has_room_for(name, least, most):
    field = made(name).fields[name]
    assert (field.min_value, field.max_value) == (least, most)
    assert code_of(field, most + 1) == "max_value"
    assert code_of(field, least - 1) == "min_value"


def test_what_a_database_reckons_is_shown():
    shown = made("sums", "shown", "content", "few").fields
    assert type(shown["sums"]) is fields.BoundedIntegerField
    assert type(shown["shown"]) is fields.BoundedDecimalField
    assert all(shown[name].read_only for name in ("sums", "shown", "content"))
    assert shown["shown"].to_representation(5) == "5.00"
    assert shown["few"].run_validation(5) == 5


def test_what_nobody_writes_is_not_held_to_the_bounds_of_its_column():
    field = made("counted").fields["counted"]
    assert field.read_only
    assert (field.min_value, field.max_value) == (-(2**63), 2**63 - 1)
    assert field.to_representation(2**40) == 2**40


def test_without_psycopg_only_the_columns_of_postgresql_are_unknown(monkeypatch):
    monkeypatch.setattr("rest_framework.compat.postgres_fields", None)
    without = runpy.run_path(mapping.__file__)
    lost = set(mapping.FIELDS) - set(without["FIELDS"])
    assert {each.__name__ for each in lost} == {
        "ArrayField",
        "HStoreField",
        "RangeField",
        "SearchVectorField",
    }
    numbers = Shelf._meta.get_field("numbers")
    assert isinstance(mapping.inner_of(numbers), models.IntegerField)
    assert without["inner_of"](numbers) is None
    assert not without["is_read_only"](Shelf._meta.get_field("words"))


WITHOUT_PSYCOPG = """
import sys

sys.modules["psycopg"] = sys.modules["psycopg2"] = None

import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "rest_framework"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3"}},
)
django.setup()

from django.db import models

from api_guard import fields
from api_guard.serializers import StrictModelSerializer


class WordsColumn(models.Field):
    pass


class WordsField(fields.BoundedListField):
    def __init__(self, *, max_length):
        super().__init__(child=fields.PlainTextField(max_length=5), max_length=max_length)


class Written(models.Model):
    words = WordsColumn()

    class Meta:
        app_label = "written"


class Serializer(StrictModelSerializer):
    serializer_field_mapping = {
        **StrictModelSerializer.serializer_field_mapping, WordsColumn: WordsField
    }

    class Meta:
        model = Written
        fields = ["words"]


for words in (["tea"], ["tea"] * 101):
    serializer = Serializer(data={"words": words})
    print(serializer.is_valid(), end=" ")
"""


def test_without_psycopg_a_list_has_its_column():
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_PSYCOPG], capture_output=True, text=True, timeout=60
    )
    assert (ran.stdout, ran.stderr) == ("True False ", "")


REFUSED = [
    ("short", "AAAAAA==", "max_length"),
    ("short", "A" * 100, "max_length"),
    ("short", "AAA", "invalid"),
    ("short", "ÄÄÄÄ", "invalid"),
    ("short", "A A=", "invalid"),
    ("short", 5, "invalid"),
    ("span", "999999999 00:00:00", "overflow"),
    ("span", "-106751992 00:00:00", "overflow"),
    ("span", "P9999999999999D", "overflow"),
    ("moment", "9999-12-31T23:59:59-06:00", "overflow"),
    ("moment", "0001-01-01T00:00:00+14:00", "overflow"),
    ("moment", "9999-12-31T23:59:59", "overflow"),
    ("address", "fe80::1%eth0", "invalid"),
    ("address", "1" * 50, "invalid"),
    ("address", 5, "invalid"),
    ("grid", [[1], [1, 2]], "ragged"),
    ("grid", [[1], None], "null"),
    ("grid", [[1], 5], "not_a_list"),
]


@pytest.mark.parametrize(("name", "value", "code"), REFUSED)
def test_what_a_column_cannot_hold_is_refused(name, value, code):
    assert code_of(made(name).fields[name], value) == code


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("short", "AAE=", b"\x00\x01"),
        ("address", "fe80::1", "fe80::1"),
        ("span", "106751991 00:00:00", timedelta(106_751_991)),
        ("grid", [[1], [2]], [[1], [2]]),
        ("grid", [[1, 2]], [[1, 2]]),
    ],
)
def test_what_a_column_can_hold_passes(name, value, read):
    field = made(name).fields[name]
    assert field.run_validation(value) == read
    assert field.to_representation(read) == value


def test_without_time_zones_the_last_moment_is_kept_as_it_is(settings):
    settings.USE_TZ = False
    read = made("moment").fields["moment"].run_validation("9999-12-31T23:59:59")
    assert read == datetime.fromisoformat("9999-12-31T23:59:59")


BAD_RANGES = [
    ("numbers", 5, "not_a_range"),
    ("numbers", [], "not_a_range"),
    ("numbers", [1, 2], "not_a_range"),
    ("numbers", "[1,2)", "not_a_range"),
    ("numbers", {"lowr": 1}, "unknown_key"),
    ("numbers", {"lower": "x"}, "invalid"),
    ("numbers", {"lower": True}, "invalid"),
    ("numbers", {"lower": 1, "upper": {}}, "invalid"),
    ("numbers", {"lower": 5, "upper": 1}, "reversed"),
    ("numbers", {"upper": 2**31}, "max_value"),
    ("numbers", {"lower": 0, "upper": 2**31 - 1, "bounds": "[]"}, "out_of_range"),
    ("numbers", {"lower": 2**31 - 1, "bounds": "()"}, "out_of_range"),
    ("numbers", {"lower": 1, "bounds": "<>"}, "invalid_bounds"),
    ("numbers", {"lower": 1, "bounds": []}, "invalid_bounds"),
    ("numbers", {"empty": 1}, "invalid_empty"),
    ("numbers", {"empty": True, "lower": 1}, "invalid_empty"),
    ("large", {"upper": 2**63}, "max_value"),
    ("large", {"upper": 2**63 - 1, "bounds": "[]"}, "out_of_range"),
    ("prices", {"lower": "NaN"}, "invalid"),
    ("prices", {"lower": "1e999"}, "invalid"),
    ("prices", {"lower": "9" * 51}, "max_digits"),
    ("days", {"upper": "9999-12-31", "bounds": "[]"}, "out_of_range"),
    ("days", {"lower": "2024-02-30"}, "invalid"),
    ("days", {"lower": "2024-02-02", "upper": "2024-02-01"}, "reversed"),
    ("moments", {"upper": "9999-12-31T23:59:59-06:00"}, "overflow"),
]
GOOD_RANGES = [
    ("numbers", {"lower": 1}, {"lower": 1, "bounds": "[)"}),
    ("numbers", {}, {"bounds": "()"}),
    ("numbers", {"lower": 1, "upper": 4, "bounds": "(]"}, {"lower": 2, "upper": 5, "bounds": "[)"}),
    ("numbers", {"empty": True}, {"empty": True}),
    ("numbers", {"lower": 1, "upper": 2, "bounds": "()", "empty": False}, {"empty": True}),
    ("numbers", {"lower": 1, "upper": 1, "bounds": "()"}, {"empty": True}),
    ("large", {"lower": -(2**63)}, {"lower": -(2**63), "bounds": "[)"}),
    ("prices", {"lower": "1.50", "bounds": "()"}, {"lower": "1.50", "bounds": "()"}),
    ("days", {"upper": "9999-12-30", "bounds": "[]"}, {"upper": "9999-12-31", "bounds": "()"}),
    ("moments", {"lower": "2024-01-01T00:00:00Z"}, {"bounds": "[)"}),
]


@pytest.mark.parametrize(("name", "value", "code"), BAD_RANGES)
def test_a_range_that_no_column_holds_is_refused(name, value, code):
    assert code_of(Strict().fields[name], value) == code


@pytest.mark.parametrize(("name", "value", "shown"), GOOD_RANGES)
def test_a_range_is_read_and_shown(name, value, shown):
    field = Strict().fields[name]
    read = field.run_validation(value)
    found = field.to_representation(read)
    if name in ("prices", "moments"):
        # A decimal has the places that its field has, a moment the zone of the settings.
        assert found.pop("lower", "").startswith(shown.pop("lower", ""))
        assert found == shown
    elif not read.isempty and "empty" not in shown:
        assert found == shown


def test_a_range_in_a_form():
    form = QueryDict("numbers.lower=1&numbers.upper=5&days.lower=")
    serializer = Strict(data=form, partial=True)
    assert serializer.is_valid(), serializer.errors
    assert serializer.validated_data["numbers"] == NumericRange(1, 5, "[)")
    assert "days" not in serializer.validated_data


def test_a_range_in_json():
    serializer = Strict(data={"numbers": {"lower": 1, "upper": 5}}, partial=True)
    assert serializer.is_valid(), serializer.errors
    assert serializer.validated_data == {"numbers": NumericRange(1, 5, "[)")}


def test_the_schema_says_what_a_range_holds(monkeypatch):
    monkeypatch.setattr("drf_spectacular.openapi.warn", lambda *args: None)
    schema = SchemaGenerator(patterns=urlpatterns).get_schema(public=True)
    said = schema["components"]["schemas"]["Strict"]["properties"]
    days = said["days"]["properties"]
    assert days["lower"] == days["upper"] == {"type": "string", "format": "date"}
    assert said["numbers"]["properties"]["lower"] == {"type": "integer"}
    assert said["prices"]["properties"]["lower"] == {"type": "string", "format": "decimal"}
    assert said["moments"]["properties"]["lower"] == {"type": "string", "format": "date-time"}
    assert said["numbers"]["properties"]["bounds"]["enum"] == ["[)", "(]", "()", "[]"]
    assert said["content"] == {"type": "string", "format": "byte", "nullable": True}
    assert said["words"]["readOnly"] is True
    json.dumps(schema)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="they are columns of PostgreSQL")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("data", "status"),
    [
        *(({name: value}, 400) for name, value, _ in BAD_RANGES),
        *(({name: value}, 201) for name, value, _ in GOOD_RANGES),
        ({"grid": [["a"], ["b", "c"]]}, 400),
        ({"grid": [["a"], []]}, 400),
        ({"grid": [["a", "b"], ["c", "d"]]}, 201),
        ({"grid": []}, 201),
        ({"tags": ["toolong"]}, 400),
        ({"tags": [None]}, 400),
        ({"tags": ["a"], "address": "::ffff:1.2.3.4", "content": "AAE="}, 201),
        ({"address": "fe80::1%eth0"}, 400),
    ],
)
def test_postgresql_stores_what_passes_and_shows_it_again(api, data, status):
    response = api.post("/shelves", data)
    assert response.status_code == status, response.content
    shown = api.get("/shelves").json()
    assert len(shown) == (status == 201)
    if status == 201:
        [name] = set(data) & {*RANGES} or {"id"}
        expected = next((said for each, value, said in GOOD_RANGES if data == {each: value}), None)
        if name in ("numbers", "large", "days"):
            assert shown[0][name] == expected


@pytest.mark.django_db
def test_a_small_integer_is_small_on_sqlite_too():
    meta = type("Meta", (), {"model": Stock, "fields": ["places", "span", "free"]})
    serializer_class = type("Serializer", (StrictModelSerializer,), {"Meta": meta})
    serializer = serializer_class(data={"places": 9223372036854775807, "span": "999999999 0:0:0"})
    assert not serializer.is_valid()
    assert set(serializer.errors) == {"places", "span"}
    stored = serializer_class(data={"places": 5})
    assert stored.is_valid()
    assert stored.save().places == 5


def test_a_range_by_hand():
    field = fields.BoundedRangeField(child=serializers.DateField(), range_type=DateRange)
    assert code_of(field, {"lower": "2024-01-01", "bounds": "x"}) == "invalid_bounds"
    other = fields.BoundedRangeField(child=serializers.CharField(), range_type=NumericRange)
    assert other._spectacular_annotation["field"]["properties"]["lower"] == {}
