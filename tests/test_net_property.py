"""Whatever the model, the row, the request and the exception: the net raises nothing of its own."""

from __future__ import annotations

import datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.postgres import fields as postgres
from django.contrib.postgres.search import SearchVectorField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower, Now
from django.http import QueryDict
from django.test import RequestFactory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.request import Request

from api_guard.decorators.net import Net
from api_guard.exceptions import InvalidValue
from api_guard.input.client_errors import SUSPECTS, verdicts

pytestmark = pytest.mark.django_db


class BuiltIn(models.Model):
    """A column of each kind that Django has, with defaults of other types."""

    big = models.BigIntegerField(default="5")
    binary = models.BinaryField(default=b"", editable=True)
    boolean = models.BooleanField(default="yes")
    char = models.CharField(max_length=5, default=7)
    date = models.DateField(default="2024-01-31")
    moment = models.DateTimeField(default="2024-01-31")
    decimal = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    span = models.DurationField(default="1")
    email = models.EmailField(default=None)
    file = models.FileField(default="a")
    path = models.FilePathField(default="a")
    weight = models.FloatField(default="1")
    address = models.GenericIPAddressField(default=1)
    image = models.ImageField(default="a")
    integer = models.IntegerField(default=1.5)
    data = models.JSONField(default=dict)
    positive = models.PositiveSmallIntegerField(default="x")
    slug = models.SlugField(default=[])
    small = models.SmallIntegerField(default=lambda: 1 / 0)
    text = models.TextField(default=None, choices=[("a", "A")])
    time = models.TimeField(default="noon")
    link = models.URLField(default=b"")
    reference = models.UUIDField(default=5)
    parent = models.ForeignKey("self", models.CASCADE, db_column="above", related_name="+")
    tags = postgres.ArrayField(models.IntegerField(), default=None)
    grid = postgres.ArrayField(postgres.ArrayField(models.CharField(max_length=3)), default="x")
    words = postgres.HStoreField(default=0)
    numbers = postgres.IntegerRangeField(default="[1,")
    prices = postgres.DecimalRangeField(default=(1,))
    days = postgres.DateRangeField(default=[])
    moments = postgres.DateTimeRangeField(default=0)
    search = SearchVectorField(default=0)
    double = models.GeneratedField(
        expression=models.F("integer") * 2, output_field=models.IntegerField(), db_persist=True
    )
    fourfold = models.GeneratedField(
        expression=models.F("double") * 2, output_field=models.IntegerField(), db_persist=True
    )

    class Meta:
        app_label = "unchecked"  # no app: Django would check these columns, too
        managed = False
        constraints = [
            models.CheckConstraint(condition=models.Q(fourfold__gte=0), name="fourfold"),
            models.CheckConstraint(
                condition=~models.Q(small=models.F("big")) | models.Q(parent__slug=""), name="one"
            ),
            models.UniqueConstraint(Lower("char"), "slug", name="two"),
            models.UniqueConstraint(fields=["slug", "date"], name="three"),
        ]


class Odd(Exception):
    pass


class Failing:
    """A value that is of no use to anybody."""

    def fail(self, *args, **kwargs):
        raise Odd

    __str__ = __eq__ = __iter__ = __len__ = __bool__ = __int__ = __lt__ = fail
    __hash__ = object.__hash__


class FailingField(models.Field):
    def fail(self, *args, **kwargs):
        raise Odd

    to_python = validate = run_validators = get_db_prep_save = get_default = fail


class Own(models.Model):
    """What a project may write."""

    odd = FailingField(default=Failing())
    odder = FailingField()
    odds = postgres.ArrayField(FailingField(), default=[Failing()])

    class Meta:
        app_label = "unchecked"  # no app: Django would check these columns, too
        managed = False


class Proxied(Own):
    class Meta:
        app_label = "unchecked"
        proxy = True


class Keyed(models.Model):
    """A key of two columns, and defaults of the database."""

    pk = models.CompositePrimaryKey("tenant", "number")
    tenant = models.IntegerField()
    number = models.IntegerField(db_default=5)
    made = models.DateTimeField(db_default=Now())

    class Meta:
        app_label = "unchecked"
        managed = False


class FailingManager(models.Manager):
    def get_queryset(self):
        raise Odd


class FailingDescriptor:
    """Reads and writes nothing."""

    def __init__(self, field):
        pass

    def __get__(self, instance, cls=None):
        raise Odd


class FailingColumn(models.IntegerField):
    descriptor_class = FailingDescriptor


class Below(BuiltIn):
    """A table below another. Its managers and a column fail."""

    broken = FailingColumn(default=0)
    objects = FailingManager()

    class Meta:
        app_label = "unchecked"
        managed = False
        base_manager_name = "objects"
        default_manager_name = "objects"


plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, -1, 2**31, 2**63, 2**70]),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["tea", "1", "\x00", "\ud800", "9999-12-31T23:59:59-06:00", "999999999"]),
    st.binary(max_size=4),
    st.decimals(),
    st.sampled_from([Decimal("sNaN"), Decimal("1e999999"), datetime.timedelta.max]),
    st.datetimes(),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.uuids(),
)


def nested(inner):
    return st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)


values = st.recursive(
    plain | st.builds(Failing) | st.builds(lambda: models.F("a") + 1),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=4,
)
MODELS = [*apps.get_models(), BuiltIn, Own, Proxied, Keyed, Below]
MODULES = [
    "django.db.models.base",
    "django.db.models.query",
    "django.db.models.lookups",
    "django.db.models.fields",
    "django.db.backends.utils",
    "django.core.files.storage",
    "rest_framework.fields",
    "rest_framework.serializers",
    "rest_framework.validators",
    "tests.project",
]
FUNCTIONS = ["save", "bulk_create", "bulk_update", "execute", "execute_sql", "update"]
FUNCTIONS += ["to_internal_value", "pre_save", "to_python", "__set__"]
SAID = [
    "UNIQUE constraint failed: tests_builtin.slug, tests_builtin.date",
    "UNIQUE constraint failed: index 'two'",
    "NOT NULL constraint failed: tests_builtin.above",
    "CHECK constraint failed: fourfold",
    'CHECK constraint failed: "positive" >= 0',
    "FOREIGN KEY constraint failed",
    "cannot adapt type 'dict'",
]
SAID_BY_MYSQL = [
    (1048, "Column 'above' cannot be null"),
    (1062, "Duplicate entry 'tea' for key 'three'"),
    (1062, "something else"),
    (1452, "FOREIGN KEY (`above`)"),
    (1690, "out of range"),
    (4025, "CONSTRAINT `one` failed for `a`"),
]
SAID_BY_POSTGRESQL = [
    {"column_name": "above"},
    {"message_detail": "Key (slug, date)=(tea, 2024-01-31) already exists."},
    {"message_detail": "Key (lower(char))=(tea) already exists.", "constraint_name": "two"},
    {"message_detail": "Failing row contains (1)=(2).", "constraint_name": "one"},
    {"constraint_name": "fourfold", "sqlstate": "23514"},
    {"constraint_name": "two", "sqlstate": "23505"},
    {"source_file": "tsquery.c"},
    {"source_file": "hstore_io.c"},
]


@st.composite
def rows(draw, held=values, several=MODELS):
    model = draw(st.sampled_from(several))
    row = model.__new__(model)
    row._state = models.base.ModelState()
    names = [field.attname for field in model._meta.concrete_fields]
    for name in draw(st.lists(st.sampled_from(names), unique=True)):
        vars(row)[name] = draw(held)
    return row


@st.composite
def errors(draw):
    cls = draw(st.sampled_from([*SUSPECTS, UnicodeDecodeError]))
    if issubclass(cls, UnicodeDecodeError):
        return UnicodeDecodeError("utf-8", b"x", 0, 1, "bad")
    if issubclass(cls, ValidationError):
        return cls("bad")
    some = [*((text,) for text in SAID), *SAID_BY_MYSQL, ()]
    error = cls(*draw(st.sampled_from(some) | st.tuples(values)))
    said = draw(st.none() | st.sampled_from(SAID_BY_POSTGRESQL))
    if said is not None:
        names = ("column_name", "message_detail", "constraint_name", "sqlstate", "source_file")
        error.__cause__ = Odd()
        error.__cause__.diag = SimpleNamespace(**{name: said.get(name) for name in names})
    return error


def raised_in(frames, error):
    """Raise `error` through frames of these modules, functions and local variables."""
    if not frames:
        raise error
    (module, function, found), *rest = frames
    source = f"def {function}({', '.join(found)}):\n    raised_in(rest, error)\n"
    scope = {"__name__": module, "raised_in": raised_in, "rest": rest, "error": error}
    exec(compile(source, module, "exec"), scope)
    scope[function](**found)


def frames_with(row, held):
    found = st.fixed_dictionaries(
        {"self": row | held},
        optional={
            "params": held,
            "value": held,
            "data": held,
            "objs": st.lists(row | held, max_size=3),
            "update_fields": st.none() | st.lists(st.sampled_from(["slug", "integer"])),
            "validated_data": held,
            "attrs": held,
            "serializer": held | st.builds(Failing),
            "using": st.sampled_from([None, "default", "nowhere"]),
        },
    )
    one = st.tuples(st.sampled_from(MODULES), st.sampled_from(FUNCTIONS), found)
    return st.lists(one, max_size=4)


@st.composite
def requests(draw, held=values):
    http = RequestFactory().generic(draw(st.sampled_from(["GET", "POST"])), "/")
    http.GET = QueryDict(mutable=True)
    http.GET.setlist("slug", draw(st.lists(st.text(max_size=5), max_size=3)))
    request = Request(http)
    if draw(st.booleans()):
        request._full_data = draw(held)
    return request


many = settings(max_examples=100, suppress_health_check=list(HealthCheck), deadline=None)
VIEW = SimpleNamespace(args=("tea", 5), kwargs={"pk": 1})


@many
@given(frames_with(rows(), values), errors(), requests(), st.sampled_from([VIEW, Odd()]))
def test_what_goes_out_is_the_first_exception_or_a_400_of_it(frames, error, request, view):
    with pytest.raises(Exception) as caught, Net(view, request):  # noqa: PT011
        raised_in(frames, error)
    if caught.value is not error:
        assert isinstance(caught.value, InvalidValue)
        assert caught.value.__cause__ is error


judged = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=4,
)


@many
@given(
    frames_with(rows(judged, [BuiltIn, Keyed, Below]), judged),
    errors().filter(lambda error: all(not isinstance(each, Failing) for each in error.args)),
    requests(judged),
)
def test_the_columns_of_django_are_judged_without_a_fault(frames, error, request):
    with pytest.raises(type(error)) as caught:
        raised_in(frames, error)
    assert verdicts._is_of_client(caught.value, request, VIEW) in (True, False)
