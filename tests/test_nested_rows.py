"""Rows that are nested in others: their keys, and what has to be unique in them."""

from __future__ import annotations

import warnings

import pytest
from django.core.validators import RegexValidator
from drf_writable_nested.serializers import WritableNestedModelSerializer
from rest_framework import serializers
from rest_framework.validators import UniqueTogetherValidator, UniqueValidator

from api_guard.fields import BoundedIntegerField, PlainTextField
from api_guard.serializers import StrictModelSerializer, StrictSerializer
from tests.hostile.models import Leaf, Offer, Thing
from tests.models import Note, Notebook

pytestmark = pytest.mark.django_db


class Slugged(StrictModelSerializer):
    class Meta:
        model = Thing
        fields = ["id", "title", "slug"]
        refuse_read_only = True
        max_items = 2000


class Offered(StrictModelSerializer):
    class Meta:
        model = Offer
        fields = ["low", "high"]
        max_items = 2000


class Pair(StrictSerializer):
    thing = Slugged()
    offer = Offered(required=False)

    class Meta:
        max_items = 2000


class Whole(StrictSerializer):
    things = Slugged(many=True, required=False)
    offers = Offered(many=True, required=False)
    pairs = Pair(many=True, required=False)

    class Meta:
        max_items = 2000


def codes(detail):
    if isinstance(detail, dict):
        return {key: codes(inner) for key, inner in detail.items()}
    return [codes(each) if isinstance(each, (dict, list)) else each.code for each in detail]


@pytest.fixture(autouse=True)
def _stored():
    Thing.objects.bulk_create(Thing(title="a", slug=f"old{number}") for number in range(30))
    Offer.objects.bulk_create(Offer(low=number, high=9000) for number in range(30))


def slugs(*names):
    return [{"title": "a", "slug": name} for name in names]


def offers(*pairs):
    return [{"low": low, "high": high} for low, high in pairs]


NEW = [f"new{number}" for number in range(1600)]


@pytest.mark.parametrize(
    ("data", "queries"),
    [
        ({"things": slugs(*NEW)}, 4),
        ({"things": slugs(*NEW[:2])}, 1),
        ({"things": slugs(*NEW[:1])}, 1),
        ({"offers": offers(*((number, 9001) for number in range(1600)))}, 16),
        ({"pairs": [{"thing": each} for each in slugs(*NEW)]}, 4),
    ],
)
def test_many_new_rows_take_few_queries(data, queries, django_assert_num_queries):
    serializer = Whole(data=data)
    with django_assert_num_queries(queries):
        assert serializer.is_valid(), serializer.errors
    [(name, rows)] = data.items()
    assert len(serializer.validated_data[name]) == len(rows)


def test_the_one_that_is_not_unique_is_named_by_its_place(django_assert_max_num_queries):
    data = {"things": slugs(*NEW[:700], "old5", *NEW[700:])}
    serializer = Whole(data=data)
    with django_assert_max_num_queries(30):
        assert not serializer.is_valid()
    assert codes(serializer.errors) == {"things": {700: {"slug": ["unique"]}}}


def test_of_many_that_are_not_unique_ten_are_told(django_assert_max_num_queries):
    serializer = Whole(data={"things": slugs(*(f"old{number}" for number in range(30)), *NEW)})
    with django_assert_max_num_queries(60):
        assert not serializer.is_valid()
    assert len(serializer.errors["things"]) == 10


def test_columns_that_are_unique_together_are_named_by_their_row():
    serializer = Whole(data={"offers": offers((1, 1), (3, 9000), (5, 5), (7, 9000))})
    assert not serializer.is_valid()
    refused = {"non_field_errors": ["unique"]}
    assert codes(serializer.errors) == {"offers": {1: refused, 3: refused}}


def test_other_errors_stand_beside_it():
    rows = [{"title": "x" * 60, "slug": "old1"}, *slugs("old2"), {"titel": 5}, *slugs("new")]
    serializer = Whole(data={"things": rows})
    assert not serializer.is_valid()
    assert codes(serializer.errors) == {
        "things": {
            0: {"title": ["max_length"], "slug": ["unique"]},
            1: {"slug": ["unique"]},
            2: {"titel": ["unknown_field"], "title": ["required"]},
        }
    }


def test_errors_in_a_list_are_in_a_list(settings):
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "LIST_SERIALIZER_ERRORS_AS_DICT": False}
    rows = [*slugs("new", "old1"), {"titel": 5}]
    with warnings.catch_warnings():
        # DRF is about to leave this form.
        warnings.simplefilter("ignore")
        serializer = Slugged(data=rows, many=True)
        assert not serializer.is_valid()
    unknown = {"titel": ["unknown_field"], "title": ["required"]}
    assert codes(serializer.errors) == [{}, {"slug": ["unique"]}, unknown]


def test_a_value_that_two_validators_refuse_has_both_errors():
    class Twice(Slugged):
        slug = PlainTextField(
            max_length=50,
            validators=[RegexValidator("^new"), UniqueValidator(Thing.objects.all())],
        )

    serializer = Twice(data=slugs("new", "old1"), many=True)
    assert not serializer.is_valid()
    assert codes(serializer.errors) == {1: {"slug": ["invalid", "unique"]}}


def test_a_nested_row_that_is_not_unique_is_told_where_it_stands():
    pairs = [
        {"thing": slugs("new")[0], "offer": offers((1, 9000))[0]},
        {"thing": slugs("old1")[0]},
    ]
    serializer = Whole(data={"pairs": pairs})
    assert not serializer.is_valid()
    assert codes(serializer.errors) == {
        "pairs": {
            0: {"offer": {"non_field_errors": ["unique"]}},
            1: {"thing": {"slug": ["unique"]}},
        }
    }


def test_the_errors_are_those_of_drf():
    class Stock(serializers.ListSerializer):
        pass

    class Slow(Slugged):
        class Meta(Slugged.Meta):
            list_serializer_class = Stock

    data = slugs("old1", "new", "old2")
    fast, slow = Slugged(data=data, many=True), Slow(data=data, many=True)
    assert not fast.is_valid()
    assert not slow.is_valid()
    assert fast.errors == slow.errors
    settled = Slugged(data=slugs("new")[0])
    assert settled.is_valid()


class CaseBlind(StrictSerializer):
    slug = PlainTextField(
        max_length=50, validators=[UniqueValidator(Thing.objects.all(), lookup="iexact")]
    )
    low = BoundedIntegerField(required=False, allow_null=True)
    high = BoundedIntegerField(required=False, allow_null=True)

    class Meta:
        validators = [
            UniqueTogetherValidator(Offer.objects.all(), ["low", "high"]),
        ]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"slug": "OLD1", "low": 1, "high": 1}, {"slug": ["unique"]}),
        ({"slug": "new", "low": 1}, {"high": ["required"]}),
        ({"slug": "new", "low": None, "high": 1}, None),
        ({"slug": "new", "low": 1, "high": 9000}, {"non_field_errors": ["unique"]}),
    ],
)
def test_what_cannot_be_asked_together_is_asked_by_itself(row, expected):
    class Both(CaseBlind):
        low = BoundedIntegerField(required=False, allow_null=True)

        def get_validators(self):
            return list(CaseBlind.Meta.validators)

    other = {"slug": "other", "low": 5, "high": 6}
    serializer = Both(data=[other, row], many=True)
    assert serializer.is_valid() is (expected is None)
    assert expected is None or codes(serializer.errors) == {1: expected}


def test_a_value_that_a_database_cannot_compare_leaves_the_others_judged():
    class Numbered(StrictSerializer):
        id = serializers.CharField(validators=[UniqueValidator(Thing.objects.all())])

    known = str(Thing.objects.first().pk)
    serializer = Numbered(data=[{"id": "tea"}, {"id": known}, {"id": "0"}], many=True)
    assert not serializer.is_valid()
    assert codes(serializer.errors) == {1: {"id": ["unique"]}}


def test_a_row_that_is_updated_is_not_compared_with_itself():
    stored = list(Thing.objects.all()[:2])

    class Updating(Slugged):
        def run_validation(self, data):
            self.instance = stored[0] if data["title"] == "first" else stored[1]
            return super().run_validation(data)

    rows = [{"title": "first", "slug": "old0"}, {"title": "second", "slug": "old1"}]
    assert Updating(data=rows, many=True).is_valid()
    rows[1]["slug"] = "old2"
    serializer = Updating(data=rows, many=True)
    assert not serializer.is_valid()
    assert codes(serializer.errors) == {1: {"slug": ["unique"]}}


class Noted(StrictModelSerializer):
    class Meta:
        model = Note
        fields = ["id", "title", "is_public"]
        read_only_fields = ["is_public"]
        refuse_read_only = True


class Booked(WritableNestedModelSerializer, StrictModelSerializer):
    note_set = Noted(many=True)

    class Meta:
        model = Notebook
        fields = ["id", "title", "note_set"]
        refuse_read_only = True


def test_the_key_of_a_nested_row_says_which_one_is_meant(alice):
    book = Notebook.objects.create(owner=alice, title="book")
    kept, dropped = (book.note_set.create(author=alice, title=title) for title in ("a", "b"))
    data = {"title": "new", "note_set": [{"id": kept.pk, "title": "A"}, {"title": "c"}]}
    serializer = Booked(book, data=data)
    assert serializer.is_valid(), serializer.errors
    serializer.save()
    kept.refresh_from_db()
    assert (kept.title, kept.author) == ("A", alice)
    assert sorted(book.note_set.values_list("title", flat=True)) == ["A", "c"]
    assert not Note.objects.filter(pk=dropped.pk).exists()


def test_a_row_s_own_key_may_be_sent_and_no_other(alice):
    book = Notebook.objects.create(owner=alice, title="book")
    note = book.note_set.create(author=alice, title="a")
    assert Noted(note, data={"id": note.pk, "title": "b"}).is_valid()
    for other in (note.pk + 1, None, True):
        serializer = Noted(note, data={"id": other, "title": "b"})
        assert not serializer.is_valid()
        assert codes(serializer.errors) == {"id": ["read_only"]}


def test_other_read_only_fields_are_refused_there_too():
    row = {"id": 5, "title": "a", "is_public": True}
    serializer = Booked(data={"id": 1, "title": "a", "note_set": [row]})
    assert not serializer.is_valid()
    assert codes(serializer.errors) == {
        "id": ["read_only"],
        "note_set": {0: {"is_public": ["read_only"]}},
    }
    alone = Noted(data=[row], many=True)
    assert not alone.is_valid()
    assert codes(alone.errors) == {0: {"id": ["read_only"], "is_public": ["read_only"]}}


class Keyless(StrictSerializer):
    id = serializers.IntegerField(read_only=True)

    class Meta:
        refuse_read_only = True


def test_without_a_model_nothing_is_a_key():
    class Holding(StrictSerializer):
        one = Keyless()

    serializer = Holding(data={"one": {"id": 1}})
    assert not serializer.is_valid()
    assert codes(serializer.errors) == {"one": {"id": ["read_only"]}}


class LeafSerializer(StrictModelSerializer):
    class Meta:
        model = Leaf
        fields = ["moment", "a_day", "a_month", "a_year"]


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["a_day", "a_month", "a_year"])
def test_what_is_unique_for_a_time_asks_nothing_of_a_row_without_one(name):
    for moment in (None, None, "2024-01-01T00:00:00Z"):
        data = {"moment": moment, "a_day": "x", "a_month": "y", "a_year": "z", name: "tea"}
        serializer = LeafSerializer(data=data)
        assert serializer.is_valid()
        Leaf.objects.create(**{"moment": serializer.validated_data["moment"], name: "tea"})
    serializer = LeafSerializer(data=data)
    assert not serializer.is_valid()
    assert [each.code for each in serializer.errors[name]] == ["unique"]
