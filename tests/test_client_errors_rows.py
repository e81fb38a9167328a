"""Reads rows, values and statements for the net, without a database that refuses them."""

from __future__ import annotations

import datetime
import sys
import uuid
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django import forms
from django.contrib.postgres import fields as postgres
from django.db import (
    DataError,
    IntegrityError,
    InternalError,
    OperationalError,
    ProgrammingError,
    connection,
    models,
    transaction,
)
from django.db.backends.postgresql.psycopg_any import DateRange, DateTimeTZRange
from django.db.models.sql import InsertQuery, UpdateQuery
from django.db.models.sql.compiler import SQLInsertCompiler, SQLUpdateCompiler
from django.http import QueryDict
from django.test import RequestFactory
from rest_framework.request import Request

from api_guard.input.client_errors import is_of_client, unreadable_of_client
from api_guard.input.client_errors.cells import Cell, Row, rows_in
from api_guard.input.client_errors.columns import base_fields
from api_guard.input.client_errors.constraints import Broken
from api_guard.input.client_errors.database import is_data_sent, is_integrity_sent, is_of_value
from api_guard.input.client_errors.dates import is_date_missing
from api_guard.input.client_errors.readings import Readings, is_equal
from api_guard.input.client_errors.sent import Sent
from api_guard.input.client_errors.updates import updated_in
from tests.hostile.models import Offer, Shelf, Stock, Thing
from tests.test_net_property import raised_in

naive = datetime.datetime.fromisoformat
LAST = "9999-12-31T23:59:59-06:00"
VIEW = SimpleNamespace(args=(), kwargs={})


class OddField(models.Field):
    def to_python(self, value):
        raise KeyError


class Kept(models.Model):
    when = models.DateTimeField(null=True)
    price = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    free = models.DecimalField(max_digits=None, decimal_places=None, null=True)
    days = postgres.DateRangeField(null=True)
    moments = postgres.DateTimeRangeField(null=True)
    list = postgres.ArrayField(models.DateTimeField(), null=True)
    counts = postgres.ArrayField(models.IntegerField(), null=True)
    grid = postgres.ArrayField(postgres.ArrayField(models.IntegerField()), null=True)
    odd = OddField(default=dict)
    data = models.JSONField(default=dict)
    text = models.CharField(max_length=5, choices=[("a", "A")])
    content = models.BinaryField(null=True)

    class Meta:
        app_label = "unchecked"  # no app: Django would check these columns, too
        managed = False


def sent(**data):
    request = Request(RequestFactory().get("/"))
    request._full_data = data
    return Sent(request, VIEW, [])


def frames_through(*frames):
    with pytest.raises(KeyError) as caught:
        raised_in(list(frames), KeyError())
    trace, found = caught.value.__traceback__, []
    while trace is not None:
        found.append(trace.tb_frame)
        trace = trace.tb_next
    return found


@pytest.mark.parametrize(
    ("value", "is_harmless"),
    [
        (None, True),
        (True, True),
        (uuid.UUID(int=1), True),
        (5, True),
        (2**15, False),
        (datetime.date(2024, 1, 1), True),
        (naive("9999-01-01"), False),
        ("tea", False),
        (Decimal(1), False),
    ],
)
def test_what_every_column_takes_is_harmless(value, is_harmless):
    assert Cell(Thing._meta.get_field("title"), value, False).is_harmless is is_harmless


@pytest.mark.parametrize(("value", "is_harmless"), [(None, True), (False, False), (5, False)])
def test_no_single_value_is_harmless_for_a_range(value, is_harmless):
    assert Cell(Shelf._meta.get_field("days"), value, False).is_harmless is is_harmless


def test_a_row_is_found_in_what_stores_it():
    one, other = Stock(name="a"), Stock(name="b")
    save = ("django.db.models.base", "save", {"self": one, "update_fields": ["name"]})
    [row] = rows_in(frames_through(save))
    assert [cell.field.name for cell in row.cells()] == ["name"]
    many = {"objs": [one, other, "no row"], "fields": ["places"], "self": 5}
    for function, names in (("bulk_update", {"places"}), ("bulk_create", None)):
        rows = rows_in(frames_through(("django.db.models.query", function, many)))
        assert [row.instance for row in rows] == [one, other]
        assert names is None or {cell.field.name for cell in rows[0].cells()} == names
    update = ("rest_framework.serializers", "update", {"self": 1, "validated_data": {"name": "a"}})
    [row] = rows_in(frames_through(update, ("django.db.models.base", "save", {"self": one})))
    assert {cell.field.name for cell in row.cells() if not cell.is_left} == {"name"}
    assert rows_in(frames_through(("tests.project", "save", {"self": one}))) == []


def test_what_a_column_holds_by_itself_is_left():
    row = Row(Kept(price=Decimal(5), data=Failing()), "default")
    assert {cell.field.name for cell in row.cells() if not cell.is_left} == {"price", "data"}


def test_a_generated_column_speaks_of_its_sources():
    assert Row(Stock(), "default").sources() >= {"quantity", "reserved"}
    assert Broken("check", "none_reserved_twice").fields_in(Stock) == {
        "free",
        "quantity",
        "reserved",
    }
    assert base_fields(Stock, ["free", "free"]) == {"free", "quantity", "reserved"}
    assert Broken("check", '"places" >= 0').fields_in(Stock) == {"places"}
    assert Broken("check", "hostile_stock_places_check").fields_in(Stock) == {"places"}
    assert Broken("check", "hostile_stock.places").fields_in(Stock) == {"places"}
    assert Broken("key", "named_once").fields_in(Stock) == {"name"}
    assert Broken("key", "offered_once").fields_in(Offer) == {"low", "high"}


@pytest.mark.parametrize(
    ("values", "misfits"),
    [
        ({}, set()),
        ({"odd": 5, "counts": None}, set()),
        ({"counts": [1, "x"], "data": {"a": float("nan")}}, {"counts", "data"}),
        ({"data": "\x00"}, {"data"}),
        ({"grid": [[1], [2]]}, set()),
        ({"grid": [[1], [1, 2]]}, {"grid"}),
        ({"text": "b"}, set()),
        ({"text": "too long"}, {"text"}),
        ({"price": Decimal("1e9"), "when": "never"}, {"price", "when"}),
    ],
)
def test_what_does_not_fit_its_column_is_named(values, misfits):
    row = Row(Kept(**values), "default")
    assert {cell.field.name for cell in row.misfits()} == misfits


@pytest.mark.parametrize(
    ("row", "data", "is_sent"),
    [
        (Stock(name="tea"), {"name": "tea"}, True),
        (Stock(name="tea", reserved=5), {"name": "tea"}, False),
        (Stock(quantity=5), {"quantity": 5}, True),
        (Stock(), {"quantity": 5}, False),
        (Thing(title="tea", count=5), {"title": "tea"}, True),
        (Kept(odd={}, text="tea"), {"text": "tea"}, True),
        (Kept(price=Decimal(5)), {"price": 5}, True),
        (Kept(odd=5, text="tea", counts=[70_000]), {"text": "tea"}, False),
    ],
)
def test_an_error_that_names_no_value_is_of_all_that_was_chosen(row, data, is_sent):
    frames = frames_through(("django.db.models.base", "save", {"self": row}))
    assert is_data_sent(DataError("no"), (), frames, sent(**data)) is is_sent


def test_a_check_that_one_of_several_rows_broke_names_none_of_them():
    many = ("django.db.models.query", "bulk_create", {"objs": [Stock(), Stock()]})
    error = IntegrityError("CHECK constraint failed: none_missing")
    assert not is_integrity_sent(error, frames_through(many), sent(quantity=-1))


def test_a_statement_that_is_wrong_is_no_value():
    assert not is_of_value(ProgrammingError("no such table"))
    assert is_of_value(ProgrammingError("cannot adapt type 'dict'"))
    search = ProgrammingError("syntax error")
    search.__cause__ = Exception()
    search.__cause__.diag = SimpleNamespace(source_file="tsquery.c")
    assert is_of_value(search)
    assert is_of_value(OperationalError(1139, "Regex error 'missing closing parenthesis'"))
    assert not is_of_value(OperationalError(1205, "Lock wait timeout exceeded"))
    other_type = ProgrammingError("cannot cast type boolean to daterange")
    other_type.__cause__ = Exception()
    other_type.__cause__.diag = SimpleNamespace(sqlstate="42846")
    assert is_of_value(other_type)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="it is a type of PostgreSQL")
@pytest.mark.django_db
@pytest.mark.parametrize(("value", "is_sent"), [('"a', True), ("a", True), ('"b', False)])
def test_a_mapping_that_postgresql_cannot_read_is_the_client_s(value, is_sent):
    """It says so by an error of its own inside, and of no other kind."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS hstore")
        with pytest.raises(InternalError) as caught, transaction.atomic():
            cursor.execute("SELECT %s::hstore", [value])
    request = Request(RequestFactory().get("/", {"q": value if is_sent else "tea"}))
    view = SimpleNamespace(args=(), kwargs={})
    assert is_of_client(caught.value, request, view) is is_sent


class Failing:
    def __eq__(self, other):
        raise ValueError

    __hash__ = None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (naive("2024-01-31T00:00:00+00:00"), "2024-01-31T00:00:00Z"),
        (naive("2024-01-31T10:00"), "2024-01-31 10:00"),
        (naive("2024-01-31"), "2024-01-31"),
        (naive("2024-01-31T23:59:59.999999"), "2024-01-31"),
        (datetime.date(2024, 1, 31), "01/31/2024"),
        (datetime.time(10), "10:00"),
        (datetime.timedelta(1), "1 00:00:00"),
        (86_400_000_000, "1 00:00:00"),
        (7, "007"),
        (1.5, "1.50"),
        (Decimal("1.5"), "1.50"),
        (uuid.UUID(int=1), uuid.UUID(int=1).hex),
    ],
)
def test_what_a_form_reads_in_a_text_is_held(value, text):
    assert Readings(["tea", text, "", "x" * 200]).hold(value)
    assert not Readings(["tea", "5"]).hold(value)
    assert Sent(Request(RequestFactory().get("/", {"a": f" {text} "})), VIEW, []).holds(value)


def test_texts_are_read_once_for_several_values_of_a_type():
    readings = Readings(["007", "5"])
    assert readings.hold(7)
    assert readings.hold(5)
    assert not readings.hold(6)


def test_what_a_form_has_read_is_sent():
    class Priced(forms.Form):
        price = forms.DecimalField()

    form = Priced({"price": "1.50"})
    assert form.is_valid()
    frames = frames_through(("tests.project", "form_valid", {"form": form}))
    found = Sent(Request(RequestFactory().get("/")), VIEW, frames)
    assert found.holds_as(["price"], Decimal("1.5"))
    assert not found.holds_as(["price"], Decimal(2))


def test_a_number_too_long_to_write_out_is_held_by_its_name_alone():
    long = 10**5000
    assert sent(count=long).holds_as(["count"], long)
    assert not sent(count=long).holds(long)


def test_values_without_a_hash_are_not_held():
    assert not Readings(["sNaN"]).hold(Decimal("sNaN"))
    assert not Readings([]).hold(Failing())
    assert not is_equal(Failing(), 1)
    assert not sent(a="\ud800").is_named_in("/tmp/x", told_by=1)
    assert not sent(a="..").is_named_in("/tmp/..", told_by=1)


def stored(row, name, *, by="insert"):
    field = Kept._meta.get_field(name)
    if by == "insert":
        query = InsertQuery(Kept)
        query.insert_values([field], [row])
        compiler = SQLInsertCompiler(query, None, "default")
    else:
        query = UpdateQuery(Kept)
        query.values = [(field, None, getattr(row, name))]
        compiler = SQLUpdateCompiler(query, None, "default")
    return execute_sql(compiler)


def execute_sql(self):
    return statement(sys._getframe())


def statement(frame):
    request = Request(RequestFactory().get("/"))
    request._full_data = {
        "when": LAST,
        "price": "99999",
        "days": {"upper": "9999-12-31"},
        "list": [LAST],
        "odd": 5,
        "content": 5,
    }
    return unreadable_of_client(frame, request, VIEW)


PAST = datetime.datetime.fromisoformat(LAST)
DAY = datetime.date.max


@pytest.mark.parametrize(
    ("name", "value", "is_found"),
    [
        ("when", LAST, True),
        ("when", PAST, True),
        ("when", naive("9999-12-31T22:00:00"), False),  # of the view
        ("when", "never", False),
        ("when", None, False),
        ("when", models.F("when"), False),
        ("price", "99999", True),
        ("price", 99_999, True),
        ("price", "9.999", False),
        ("price", 88_888, False),
        ("free", "99999", False),
        ("days", DateRange(None, DAY, "[]"), True),
        ("moments", DateTimeTZRange(None, PAST), True),
        ("moments", DateTimeTZRange(None, None), False),
        ("list", [PAST], True),
        ("list", [LAST], True),
        ("list", LAST, False),
        ("counts", [1], False),
        ("odd", 5, False),
        ("content", 5, True),
        ("content", 6, False),
        ("content", b"5", False),
    ],
)
@pytest.mark.parametrize("by", ["insert", "update"])
def test_a_value_of_the_client_that_nothing_could_read_again_is_found(name, value, is_found, by):
    row = Kept()
    vars(row)[name] = value
    assert stored(row, name, by=by) == (name if is_found else None)


def test_without_time_zones_a_moment_is_kept_as_it_is(settings):
    settings.USE_TZ = False
    row = Kept(when=naive("9999-12-31T23:59:59"))
    assert stored(row, "when") is None


def test_a_row_that_cannot_be_looked_at_is_stored():
    assert stored(5, "when") is None
    assert unreadable_of_client(sys._getframe(), None, None) is None


@pytest.mark.parametrize(("query", "is_sent"), [("slug=tea", True), ("slug=cake", False)])
def test_a_type_that_a_driver_cannot_write_out_is_of_what_was_sent(query, is_sent):
    driver = {"__name__": "psycopg_binary.dumping"}
    exec("def dump(value):\n    raise TypeError", driver)
    backend = {"__name__": "django.db.backends.utils", "dump": driver["dump"]}
    exec("def execute(params):\n    dump(params[0])", backend)
    request = SimpleNamespace(query_params=QueryDict(query))
    with pytest.raises(TypeError) as caught:
        backend["execute"](("tea",))
    assert is_of_client(caught.value, request, SimpleNamespace()) is is_sent


def test_another_error_of_a_validator_is_not_a_missing_date():
    source = "def __call__(self, attrs):\n    return sys._getframe()\n"
    scope = {"__name__": "rest_framework.validators", "sys": sys}
    exec(source, scope)
    validator = SimpleNamespace(date_field="day")
    assert not is_date_missing([scope["__call__"](validator, {"day": DAY})])
    assert not is_date_missing([scope["__call__"](validator, {"day": None})])
    assert not is_date_missing([scope["__call__"](validator, None)])


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("operator does not exist: daterange = integer", True),
        ("operator does not exist: interval > numeric", True),
        ("operator does not exist: date = hstore", True),
        ("operator does not exist: text = integer", False),
    ],
)
def test_a_search_that_postgresql_cannot_compare_is_about_a_value(text, is_found):
    assert is_of_value(ProgrammingError(text)) is is_found


def test_a_range_of_a_driver_holds_its_ends():
    request = Request(RequestFactory().get("/?from=2024-01-31&to=2024-02-01"))
    sent = Sent(request, VIEW, [])
    assert sent.holds(DateRange("2024-01-31", "2024-02-01"))
    assert not sent.holds(DateRange("2024-01-31", "2024-03-01"))


def test_only_written_fields_of_the_constraint_are_of_an_update():
    query = UpdateQuery(Stock)
    names = ("places", "name")
    query.values = [(Stock._meta.get_field(name), None, "tea") for name in names]
    compiler = SQLUpdateCompiler(query, None, "default")
    frames = [sys._getframe(), update_frame(compiler)]
    broken = Broken("key", columns=("name",))
    assert [field.name for field, _ in updated_in(frames, broken)] == ["name"]
    assert [field.name for field, _ in updated_in(frames, None)] == [*names]


def update_frame(compiler):
    scope = {"sys": sys}
    exec("def execute_sql(self):\n    return sys._getframe()\n", scope)
    return scope["execute_sql"](compiler)
