"""Of a row that a database refuses, the net tells the client's values from all others."""

from __future__ import annotations

import pytest
from django import forms
from django.db import connection, transaction
from django.urls import path
from rest_framework import serializers
from rest_framework.generics import CreateAPIView, UpdateAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import PUBLIC, guard
from tests.hostile.models import Leaf, Offer, Shelf, Stock, Thing

public = guard(read=PUBLIC, write=PUBLIC)
HUGE = 2**70
SPAN = "999999999 00:00:00"


def serializer_of(model, *names):
    # Without what serializers look at themselves: the database alone holds the constraints.
    meta = type("Meta", (), {"model": model, "fields": names, "validators": []})
    return type("Serializer", (serializers.ModelSerializer,), {"Meta": meta})


@public
class Stocked(CreateAPIView):
    queryset = Stock.objects.all()
    serializer_class = serializer_of(Stock, "name", "quantity", "reserved", "span")


@public
class StockedWithMore(Stocked):
    def perform_create(self, serializer):
        serializer.save(reserved=50)


@public
class Bound(CreateAPIView):
    queryset = Leaf.objects.all()
    serializer_class = serializer_of(Leaf, "content")


class DatedSerializer(serializers.ModelSerializer):
    class Meta:
        model = Leaf
        fields = ("moment", "a_day", "a_month")


class HiddenDateSerializer(serializers.ModelSerializer):
    moment = serializers.HiddenField(default=None)

    class Meta:
        model = Leaf
        fields = ("moment", "a_day")


@public
class Dated(CreateAPIView):
    queryset = Leaf.objects.all()
    serializer_class = DatedSerializer


@public
class DatedByTheView(CreateAPIView):
    queryset = Leaf.objects.all()
    serializer_class = HiddenDateSerializer


@public
class BoundWithMore(Bound):
    def perform_create(self, serializer):
        serializer.save(content=[1.5])


@public
class BoundWrongly(Bound):
    def perform_create(self, serializer):
        serializer.save(unheard_of=serializer.validated_data.pop("content"))


@public
class Offered(UpdateAPIView):
    queryset = Offer.objects.all()
    serializer_class = serializer_of(Offer, "low", "high")


@public
class OfferedWithMore(Offered):
    def perform_update(self, serializer):
        serializer.save(high=0)


class CountSerializer(serializers.ModelSerializer):
    count = serializers.IntegerField()

    class Meta:
        model = Thing
        fields = ("count",)


@public
class Counted(UpdateAPIView):
    queryset = Thing.objects.all()
    serializer_class = CountSerializer


@public
class Shelved(CreateAPIView):
    """What PostgreSQL has and DRF does not know."""

    queryset = Shelf.objects.all()
    serializer_class = serializer_of(
        Shelf, "tags", "grid", "numbers", "days", "moments", "address", "words"
    )


class Filled(forms.Form):
    """A form, which is made for texts."""

    at = forms.DateTimeField(required=False)
    address = forms.GenericIPAddressField(required=False)
    maybe = forms.NullBooleanField(required=False)


@public
class ByHand(APIView):
    def post(self, request):
        getattr(self, request.query_params["do"])(request.data)
        return Response()

    def stocks_what_came(self, data):
        Stock.objects.create(**data)

    def changes_what_came(self, data):
        Stock.objects.update(**data)

    def stocks_too_many(self, data):
        Stock.objects.filter(name=data["name"]).update(quantity=10**9)

    def stocks_several(self, data):
        Stock.objects.bulk_create(Stock(**each) for each in data["rows"])

    def reserves_too_much(self, data):
        Stock.objects.create(quantity=data["quantity"], reserved=50)

    def takes_a_name(self, data):
        Stock.objects.bulk_create([Stock(name="Taken", quantity=data["quantity"])])

    def offers_less(self, data):
        offer = Offer.objects.get()
        offer.low, offer.high = data["low"], 0
        offer.save(update_fields=["low", "high"])

    def finds_what_came(self, data):
        list(Stock.objects.filter(**data))

    def finds_by_a_list(self, data):
        list(Stock.objects.filter(quantity=[1], name=data["name"]))

    def finds_by_an_empty_object(self, data):
        list(Stock.objects.filter(places={}, name=data["name"]))

    def finds_by_a_broken_pattern(self, data):
        list(Stock.objects.filter(name__regex="((", span=None))

    def changes_to_a_constant(self, data):
        Stock.objects.filter(name=data["name"]).update(places=-1)

    def finds_nothing_by_a_constant(self, data):
        list(Stock.objects.filter(span="", name=data["name"]))

    def fills_a_form(self, data):
        assert Filled(data).is_valid()

    def fills_a_form_itself(self, data):
        Filled({"at": 5, **data}).is_valid()

    def follows_what_came(self, data):
        Thing.objects.create(title="a", parent_id=data["parent"])

    def follows_a_constant(self, data):
        Thing.objects.create(title=data["title"], parent_id=99_999)


urlpatterns = [
    path("stocked", Stocked.as_view()),
    path("more", StockedWithMore.as_view()),
    path("bound", Bound.as_view()),
    path("dated", Dated.as_view()),
    path("dated-by-the-view", DatedByTheView.as_view()),
    path("bound-more", BoundWithMore.as_view()),
    path("bound-wrongly", BoundWrongly.as_view()),
    path("offered/<int:pk>", Offered.as_view()),
    path("offered-more/<int:pk>", OfferedWithMore.as_view()),
    path("offered-a-count/<int:pk>", Counted.as_view()),
    path("shelved", Shelved.as_view()),
    path("handled", ByHand.as_view()),
]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]


@pytest.fixture(autouse=True)
def _stored():
    Stock.objects.create(name="taken")
    Offer.objects.create(pk=1, low=1, high=5)


@pytest.fixture
def send(api):
    api.raise_request_exception = False

    def send(place, data):
        method = api.patch if place.startswith("offered") else api.post
        return method(f"/{place}", data, format="json")

    return send


OF_THE_CLIENT = [
    # A default that is not of the column's type stands beside the value.
    ("stocked", {"quantity": -1}),
    ("stocked", {"span": SPAN, "quantity": -1}),
    ("handled?do=stocks_what_came", {"quantity": "-1"}),
    ("handled?do=stocks_what_came", {"quantity": -1, "name": "new"}),
    ("handled?do=stocks_what_came", {"places": -1}),
    # What SQLite stores, and Django then does not read.
    ("handled?do=stocks_what_came", {"quantity": 10**9}),
    ("handled?do=changes_what_came", {"quantity": 10**9}),
    ("handled?do=changes_what_came", {"quantity": "1e9"}),
    # A column that is reckoned speaks of those that it is reckoned from.
    ("stocked", {"quantity": 1, "reserved": 2}),
    ("stocked", {"reserved": 2}),
    # The other column stands as it was stored.
    ("offered/1", {"low": 9}),
    ("offered/1", {"high": 0}),
    ("handled?do=stocks_several", {"rows": [{"places": HUGE}]}),
    # What the class of a column has no form for.
    ("handled?do=finds_what_came", {"span__in": ["tea"]}),
    ("handled?do=finds_what_came", {"quantity": {"a": 1}}),
    ("handled?do=finds_what_came", {"places": [1]}),
    ("handled?do=finds_what_came", {"places": {}}),
    ("handled?do=stocks_what_came", {"places": []}),
    ("bound", {"content": {"a": 1}}),
    ("bound", {"content": 5.5}),
    # PyMySQL would store the text of an empty object, and the column then cannot show it.
    ("bound", {"content": {}}),
    ("bound", {"content": 5}),
    ("handled?do=fills_a_form", {"at": {"a": 1}}),
    ("handled?do=fills_a_form", {"at": 5}),
    ("handled?do=finds_what_came", {"name__regex": "(("}),
    ("handled?do=fills_a_form", {"address": [1]}),
    ("handled?do=fills_a_form", {"maybe": {}}),
    # An empty text, and what means nothing without its name.
    ("handled?do=finds_what_came", {"span": ""}),
    ("handled?do=finds_what_came", {"quantity": ""}),
    ("handled?do=stocks_what_came", {"quantity": ""}),
    ("handled?do=changes_what_came", {"places": " "}),
    ("bound", {"content": False}),
    # A list and an object may hold empty texts.
    ("handled?do=finds_what_came", {"quantity": {"": "1.2"}}),
    # update() has no row.
    ("handled?do=changes_what_came", {"places": -7}),
    # A date that DRF needs, and Django does not.
    ("dated", {"a_day": "tea"}),
]
OF_THE_VIEW = [
    ("more", {"quantity": 5}),
    ("offered-more/1", {"low": 3}),
    ("handled?do=reserves_too_much", {"quantity": 5}),
    ("handled?do=offers_less", {"low": 3}),
    ("handled?do=follows_a_constant", {"title": "a"}),
    ("handled?do=finds_by_a_list", {"name": "a"}),
    ("handled?do=finds_by_an_empty_object", {"name": "a"}),
    ("handled?do=fills_a_form_itself", {"name": "a"}),
    ("bound-more", {"content": "AAAA"}),
    ("handled?do=finds_by_a_broken_pattern", {"name": "a"}),
    ("bound-wrongly", {"content": "AAAA"}),
    ("dated-by-the-view", {"a_day": "tea"}),
]
if connection.vendor == "sqlite":  # the others do not tell which value of a search they refuse
    OF_THE_VIEW += [("handled?do=finds_nothing_by_a_constant", {"name": "a"})]
if connection.vendor != "mysql":  # MariaDB has no keys of expressions
    OF_THE_CLIENT += [
        ("stocked", {"name": "TAKEN"}),
        ("handled?do=stocks_several", {"rows": [{"name": "new"}, {"name": "Taken"}]}),
    ]
    OF_THE_VIEW += [
        ("handled?do=takes_a_name", {"quantity": 5}),
        # MariaDB does not tell which value of the statement it refuses.
        ("handled?do=changes_to_a_constant", {"name": "taken"}),
    ]
if connection.vendor != "sqlite":
    # SQLite stores the first of these, and does not say which foreign key it missed.
    OF_THE_CLIENT += [
        ("handled?do=stocks_what_came", {"quantity": "999999", "reserved": "-999999"}),
    ]
    OF_THE_CLIENT += [("handled?do=follows_what_came", {"parent": 99_999})]


@pytest.mark.parametrize(("place", "data"), OF_THE_CLIENT)
def test_a_row_that_the_client_s_values_break_is_a_400(send, place, data):
    response = send(place, data)
    assert (response.status_code, response.json().get("code")) == (400, "invalid_value")
    assert (Stock.objects.count(), Offer.objects.get().low, Thing.objects.count()) == (1, 1, 0)


def test_a_stored_value_that_does_not_fit_does_not_hide_the_client_s(send):
    Thing.objects.create(pk=1, title="tea", slug="not a slug")
    assert send("offered-a-count/1", {"count": HUGE}).status_code == 400


@pytest.mark.parametrize(("place", "data"), OF_THE_VIEW)
def test_a_row_that_the_view_breaks_is_a_500(send, place, data):
    assert send(place, data).status_code == 500
    assert Stock.objects.count() == 1


@pytest.mark.skipif(connection.vendor != "postgresql", reason="they are columns of PostgreSQL")
@pytest.mark.parametrize(
    "data",
    [
        {"grid": [["a"], ["b", "c"]]},
        {"grid": [["a"], ["b", "c"]], "tags": None},
        {"tags": ["toolong"], "grid": [["a"]]},
        {"numbers": [5, 1]},
        {"numbers": [1, 2**31]},
        {"numbers": {"lower": 1}},
        {"days": ["2024-01-31", "2024-01-01"]},
        {"address": "fe80::1%eth0"},
        {"words": "'"},
        {"moments": 10**100},
        {"days": False},
        {"tags": 1.5},
    ],
)
def test_columns_that_drf_does_not_know_are_no_500(send, data):
    assert send("shelved", data).status_code in (201, 400)
    response = send("shelved", data)
    assert Shelf.objects.count() == (2 if response.status_code == 201 else 0)


def test_an_error_in_the_net_is_not_the_answer(send, caplog, monkeypatch):
    def broken(*args):
        raise AttributeError

    monkeypatch.setattr("api_guard.input.client_errors.verdicts.is_integrity_sent", broken)
    with transaction.atomic():
        assert send("stocked", {"quantity": -1}).status_code == 500
        transaction.set_rollback(True)
    [record] = [record for record in caplog.records if record.exc_info]
    assert record.exc_info[0].__name__ == "IntegrityError"
