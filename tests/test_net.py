"""A client's value that breaks a handler is a 400; a bug of the handler stays a 500."""

from __future__ import annotations

import logging

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.urls import path
from rest_framework import serializers
from rest_framework.generics import CreateAPIView, GenericAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import ANY_OBJECT, PUBLIC, guard
from api_guard.access.vetting.sql import text_of
from api_guard.decorators.net import is_write
from tests.hostile.models import Offer, Thing

HUGE = 2**70
public = guard(read=PUBLIC, write=PUBLIC)


class ThingSerializer(serializers.ModelSerializer):
    count = serializers.IntegerField(required=False)
    title = serializers.CharField(required=False)
    slug = serializers.CharField(required=False)
    parent = serializers.PrimaryKeyRelatedField(queryset=Thing.objects.all(), required=False)

    class Meta:
        model = Thing
        fields = ["title", "count", "slug", "parent"]


@public
class Saved(CreateAPIView):
    """The serializer stores what it was given."""

    queryset = Thing.objects.all()
    serializer_class = ThingSerializer


@public
class SavedWithMore(CreateAPIView):
    """The view has something to add, which is wrong."""

    queryset = Thing.objects.all()
    serializer_class = ThingSerializer

    def perform_create(self, serializer):
        serializer.save(count=HUGE)


class ByHand(APIView):
    def post(self, request):
        getattr(self, request.query_params["do"])(request.data)
        return Response()

    def stores_what_came(self, data):
        Thing.objects.create(**data)

    def updates_what_came(self, data):
        Thing.objects.filter(title="tea").update(**data)

    def finds_what_came(self, data):
        list(Thing.objects.filter(**data))

    def finds_a_constant(self, data):
        list(Thing.objects.filter(reference="no UUID"))

    def stores_a_constant(self, data):
        Thing.objects.create(title=data["title"], count=HUGE)

    def takes_a_constant_for_a_slug(self, data):
        Thing.objects.create(title=data["title"], slug="tea")

    def forgets_the_title(self, data):
        Thing.objects.create(title=None, slug=data["slug"])

    def offers_what_came(self, data):
        Offer.objects.create(**data)

    def offers_a_constant(self, data):
        Offer.objects.create(low=data["low"], high=0)

    def adds_what_came(self, data):
        thing = Thing.objects.get(slug="tea")
        thing.count = F("count") + data["count"]
        thing.save()

    def asks_for_the_friends_of_nobody(self, data):
        Thing(title=data["title"]).friends.all()

    def reckons(self, data):
        10.0 ** data["count"]

    def divides(self, data):
        1 / data["count"]

    def encodes(self, data):
        (data["title"] + "\ud800").encode()

    def validates_a_constant(self, data):
        Field().run_validation("1e999999999")

    def goes_down(self, data):
        self.goes_down(data)

    def stores_then_breaks(self, data):
        Thing.objects.create(title="first")
        Thing.objects.create(**data)

    def writes_after_a_comment_then_breaks(self, data):
        with connection.cursor() as cursor:
            cursor.execute(f"/* of the shop */ UPDATE {Thing._meta.db_table} SET title = title")
        Thing.objects.create(**data)

    def reads_after_a_comment_then_breaks(self, data):
        with connection.cursor() as cursor:
            cursor.execute(f"/* of the shop */ SELECT title FROM {Thing._meta.db_table}")
        Thing.objects.create(**data)

    def stores_together_then_breaks(self, data):
        with transaction.atomic():
            Thing.objects.create(title="first")
            Thing.objects.create(**data)

    def commits_then_breaks(self, data):
        with transaction.atomic():
            Thing.objects.create(title="first")
        Thing.objects.create(**data)


@public
class Drawn(GenericAPIView):
    """What it shows is made by a function."""

    def get_serializer(self, data):
        return data.copy()

    def post(self, request):
        return Response(self.get_serializer(request.data))


class Field(serializers.DecimalField):
    def __init__(self):
        super().__init__(max_digits=None, decimal_places=2)


@public
class Handled(ByHand):
    pass


@guard(read=PUBLIC, write=PUBLIC, objects=ANY_OBJECT)
class HandledUnderARule(ByHand):
    queryset = Thing.objects.all()


urlpatterns = [
    path("saved", Saved.as_view()),
    path("more", SavedWithMore.as_view()),
    path("drawn", Drawn.as_view()),
    path("handled", Handled.as_view()),
    path("ruled", HandledUnderARule.as_view()),
]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture
def post(api):
    api.raise_request_exception = False

    def post(place, data):
        # In a savepoint, so that the test may go on after a statement that failed.
        with transaction.atomic():
            response = api.post(f"/{place}", data, format="json")
            if response.status_code >= 400 and connection.vendor == "postgresql":
                transaction.set_rollback(True)
        return response

    return post


@pytest.fixture
def tea():
    return Thing.objects.create(title="tea", slug="tea", count=1)


OF_THE_CLIENT = [
    ("saved", {"title": "a", "count": HUGE}),
    ("saved", {"title": "a", "slug": "tea"}),
    ("handled?do=stores_what_came", {"title": "a", "count": HUGE}),
    ("handled?do=stores_what_came", {"title": "a", "count": 1e300}),
    ("handled?do=stores_what_came", {"title": "a", "count": "many"}),
    ("handled?do=stores_what_came", {"title": "a", "slug": "tea"}),
    ("handled?do=stores_what_came", {"title": None, "slug": "a"}),
    ("handled?do=updates_what_came", {"count": HUGE}),
    ("handled?do=finds_what_came", {"reference": "no UUID"}),
    ("handled?do=finds_what_came", {"reference__in": ["no UUID"]}),
    ("handled?do=finds_what_came", {"count": "many"}),
    ("handled?do=finds_what_came", {"created": "never"}),
    ("handled?do=finds_what_came", {"slug__isnull": "perhaps"}),
    ("handled?do=offers_what_came", {"low": 5, "high": 1}),
    ("handled?do=adds_what_came", {"count": HUGE}),
    ("ruled?do=stores_what_came", {"title": "a", "slug": "tea"}),
]
OF_THE_VIEW = [
    ("more", {"title": "a"}),
    ("more", {"title": "a", "count": 5}),
    ("handled?do=finds_a_constant", {"title": "a"}),
    ("handled?do=stores_a_constant", {"title": "a"}),
    ("handled?do=takes_a_constant_for_a_slug", {"title": "a"}),
    ("handled?do=forgets_the_title", {"slug": "a"}),
    ("handled?do=offers_a_constant", {"low": 5}),
    ("handled?do=asks_for_the_friends_of_nobody", {"title": "a"}),
    ("handled?do=reckons", {"count": 400}),
    ("handled?do=divides", {"count": 0}),
    ("handled?do=encodes", {"title": "a"}),
    ("handled?do=validates_a_constant", {"title": "a"}),
    ("handled?do=goes_down", {"title": "a"}),
]


@pytest.mark.usefixtures("tea")
@pytest.mark.parametrize(("place", "data"), OF_THE_CLIENT)
def test_a_value_of_the_client_is_a_400_with_a_line_in_the_log(post, caplog, place, data):
    response = post(place, data)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_value")
    assert Thing.objects.count() == 1
    [record] = [record for record in caplog.records if record.name == "api_guard"]
    assert record.levelno == logging.WARNING
    assert not any(str(value) in record.getMessage() for value in data.values() if value == HUGE)


@pytest.mark.usefixtures("tea")
@pytest.mark.parametrize(("place", "data"), OF_THE_VIEW)
def test_a_bug_of_the_view_stays_a_500(post, caplog, place, data):
    response = post(place, data)
    assert response.status_code == 500
    assert [record.name for record in caplog.records if record.exc_info] == ["django.request"]


@pytest.mark.parametrize(
    ("sql", "is_one"),
    [
        ("UPDATE shop SET sold = 1", True),
        ("/* of a tool */ insert INTO shop VALUES (1)", True),
        ("WITH old AS (SELECT 1) DELETE FROM shop", True),
        ("WITH new AS (INSERT INTO shop VALUES (1) RETURNING id) SELECT id FROM new", True),
        ("-- of a tool\nREPLACE INTO shop VALUES (1)", True),
        ("/* of a tool */ SELECT id FROM shop FOR UPDATE", False),
        ("/* of a tool */ SELECT id FROM shop FOR NO KEY UPDATE", False),
        ("WITH old AS (SELECT REPLACE(name, 'a', 'b') FROM shop) SELECT updated FROM old", False),
        ("SELECT id FROM shop FOR UPDATE", False),
    ],
)
def test_a_statement_that_only_locks_or_computes_is_no_write(sql, is_one):
    assert is_write(sql) is is_one


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("do", "status", "stored"),
    [
        # A 400 says that nothing was stored.
        ("stores_then_breaks", 500, 1),
        ("commits_then_breaks", 500, 1),
        ("writes_after_a_comment_then_breaks", 500, 0),
        ("reads_after_a_comment_then_breaks", 400, 0),
        ("stores_together_then_breaks", 400, 0),
    ],
)
def test_what_was_stored_for_good_is_not_denied(api, do, status, stored):
    api.raise_request_exception = False
    response = api.post(f"/handled?do={do}", {"title": "a", "count": HUGE}, format="json")
    assert (response.status_code, Thing.objects.count()) == (status, stored)


class Composed:
    """A statement of psycopg."""

    def __init__(self, text):
        self.text = text

    def as_string(self, context):
        return self.text.strip()


def test_statements_that_are_no_text_are_read():
    assert text_of("SELECT 1", connection) == "SELECT 1"
    assert text_of(b"INSERT \xff", connection) == "INSERT \ufffd"
    assert text_of(Composed(" DELETE "), connection) == "DELETE"
    assert "Composed" in text_of(Composed(None), connection)


@pytest.mark.django_db(transaction=True)
def test_under_an_object_rule_all_of_it_is_undone(api):
    api.raise_request_exception = False
    data = {"title": "a", "count": HUGE}
    response = api.post("/ruled?do=stores_together_then_breaks", data, format="json")
    assert (response.status_code, Thing.objects.count()) == (400, 0)


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite names no column for these")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"title": "x" * 60}, 400),
        ({"title": "a", "count": 99_999}, 400),
        ({"title": "a", "parent_id": 99_999}, 400),
    ],
)
def test_a_database_that_says_more_is_understood(api, data, status):
    api.raise_request_exception = False
    response = api.post("/handled?do=stores_what_came", data, format="json")
    assert (response.status_code, Thing.objects.count()) == (status, 0)


def test_what_get_serializer_returns_may_be_no_serializer(api):
    assert api.post("/drawn", {"title": "a"}, format="json").json() == {"title": "a"}


@pytest.mark.usefixtures("tea")
def test_a_view_that_sends_its_400_s_on_is_not_in_the_way(api, settings):
    settings.DEBUG_PROPAGATE_EXCEPTIONS = True
    with pytest.raises(ZeroDivisionError):
        api.post("/handled?do=divides", {"count": 0}, format="json")
