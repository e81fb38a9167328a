"""Strict serializers: what they refuse, what they make of a model, and what a lookup costs."""

from __future__ import annotations

import uuid

import pytest
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.contrib.postgres.fields import ArrayField, HStoreField
from django.contrib.sessions.models import Session
from django.core.validators import MinLengthValidator
from django.db import models
from django.http import QueryDict
from rest_framework import fields as drf
from rest_framework import serializers
from rest_framework.relations import ManyRelatedField

from api_guard import fields, validators
from api_guard.exceptions import GuardError
from api_guard.fields import BoundedPrimaryKeyRelatedField, PlainTextField
from api_guard.serializers import BoundedListSerializer, StrictModelSerializer, StrictSerializer


def errors_of(serializer):
    assert not serializer.is_valid()

    def codes(detail):
        if isinstance(detail, dict):
            return {key: codes(inner) for key, inner in detail.items()}
        if isinstance(detail, list):
            return [codes(inner) for inner in detail]
        return detail.code

    return codes(serializer.errors)


class Tag(StrictSerializer):
    name = PlainTextField(max_length=10)


class Loose(StrictSerializer):
    title = PlainTextField(max_length=10)
    tags = Tag(many=True, required=False)
    main = Tag(required=False)
    made = serializers.CharField(read_only=True)
    secret = serializers.HiddenField(default="x")


class Strict(Loose):
    class Meta:
        strict_types = True
        refuse_read_only = True
        max_items = 3


def test_what_is_declared_passes():
    data = {"title": "a", "tags": [{"name": "b"}], "main": {"name": "c"}}
    serializer = Loose(data=data)
    assert serializer.is_valid(), serializer.errors
    assert serializer.validated_data == {**data, "secret": "x"}
    assert Loose(data={**data, "made": "ignored", "secret": "ignored"}).is_valid()


def test_an_unknown_field_is_an_error_with_the_near_one():
    serializer = Loose(data={"titel": "a", "title": "b"})
    assert errors_of(serializer) == {"titel": ["unknown_field"]}
    assert serializer.errors["titel"] == ["This field does not exist. Did you mean 'title'?"]
    assert errors_of(Loose(data={"x": 1})) == {"x": ["unknown_field"], "title": ["required"]}
    nested = {"title": "a", "tags": [{"name": "b", "x": 1}], "main": {"name": "c", "x": 1}}
    found = errors_of(Loose(data=nested))
    assert found["main"] == {"x": ["unknown_field"]}
    assert "unknown_field" in str(found["tags"])


def test_unknown_fields_are_sent_back_short_few_and_encodable():
    many = {f"field{number}{'x' * 1000}": 1 for number in range(50)}
    serializer = Loose(data={"title": "a", **many})
    found = errors_of(serializer)
    assert len(found) == 11
    assert max(map(len, found)) == 100
    assert serializer.errors["non_field_errors"] == ["And 40 more."]
    assert errors_of(Loose(data={"title": "a", "\ud800": 1})) == {"\\ud800": ["unknown_field"]}
    assert errors_of(Loose(data={"title": "a", 7: 1})) == {"7": ["unknown_field"]}


def test_read_only_fields_are_errors_where_asked():
    found = errors_of(Strict(data={"title": "a", "made": "b", "secret": "c"}))
    assert found == {"made": ["read_only"], "secret": ["read_only"]}


def test_what_is_no_object_is_refused():
    assert errors_of(Loose(data=[1])) == {"non_field_errors": ["invalid"]}
    assert errors_of(Loose(data="x")) == {"non_field_errors": ["invalid"]}


def test_many_objects_are_bounded():
    assert Strict(data=[{"title": "a"}] * 3, many=True).is_valid()
    assert errors_of(Strict(data=[{"title": "a"}] * 4, many=True)) == {
        "non_field_errors": ["max_length"]
    }
    assert Strict(data=[{"title": "a"}] * 4, many=True, max_length=4).is_valid()
    assert Loose(data=[{"title": "a"}] * 100, many=True).is_valid()
    assert not Loose(data=[{"title": "a"}] * 101, many=True).is_valid()
    nested = {"title": "a", "tags": [{"name": "b"}] * 101}
    assert errors_of(Strict(data=nested))["tags"] == ["max_length"]


def test_after_ten_refused_objects_the_rest_is_not_looked_at(settings):
    settings.REST_FRAMEWORK = {
        **settings.REST_FRAMEWORK,
        "LIST_SERIALIZER_ERRORS_AS_DICT": True,
    }
    serializer = Loose(data=[{}] * 50, many=True)
    assert not serializer.is_valid()
    assert len(serializer.errors) == 10


def test_a_list_serializer_of_one_s_own_stays():
    class Own(serializers.ListSerializer):
        pass

    class Listed(StrictSerializer):
        class Meta:
            list_serializer_class = Own

    assert type(Listed(many=True)) is Own
    assert Listed(many=True, allow_empty=False).allow_empty is False
    assert BoundedListSerializer(child=Tag(), data=[{"name": "a"}] * 200).is_valid()


COLORS = [("r", "red"), ("b", "blue")]


class Typed(StrictSerializer):
    """Fields of DRF itself: the serializer holds them."""

    integer = drf.IntegerField()
    floating = drf.FloatField()
    decimal = drf.DecimalField(max_digits=5, decimal_places=2)
    boolean = drf.BooleanField()
    text = drf.CharField()
    date = drf.DateField()
    moment = drf.DateTimeField()
    uuid = drf.UUIDField()
    choice = drf.ChoiceField(COLORS)
    number = drf.ChoiceField([1, 2])
    choices = drf.MultipleChoiceField(choices=COLORS)
    list = drf.ListField(child=drf.IntegerField())
    dict = drf.DictField(child=drf.BooleanField())
    user = serializers.PrimaryKeyRelatedField(queryset=User.objects.all())
    users = serializers.PrimaryKeyRelatedField(queryset=User.objects, many=True)
    named = serializers.SlugRelatedField(slug_field="username", queryset=User.objects.all())
    session = serializers.PrimaryKeyRelatedField(queryset=Session.objects.all())
    stamped = serializers.PrimaryKeyRelatedField(
        queryset=Session.objects.all(), pk_field=drf.CharField()
    )
    raw = drf.JSONField()

    class Meta:
        strict_types = True
        max_items = 3


WRONG = [
    *[("integer", value) for value in ("1", "٣", "1_000", True, 1.0, [1])],
    *[("floating", value) for value in ("1.5", "nan", True, {})],
    *[("decimal", value) for value in ("1_0", "١", "1e1", " 1x", True)],
    *[("boolean", value) for value in (1, 0, "true", "on", [])],
    *[("text", value) for value in (1, 1.5, True, [])],
    *[("date", value) for value in (20200101, 1.5, True)],
    *[("moment", value) for value in (0, False)],
    *[("uuid", value) for value in (1, 2**100)],
    *[("choice", value) for value in (1, True, [])],
    *[("number", value) for value in ("1", True, 1.0)],
    *[("choices", value) for value in ("r", {"r": 1})],
    *[("list", value) for value in ("1", {"0": 1})],
    *[("dict", value) for value in ([1], "x")],
    *[("user", value) for value in ("1", 1.7, True, "٣")],
    *[("users", value) for value in (1, "1", [1.7], [True], ["1"])],
    *[("named", value) for value in (True, 1.5, [])],
    *[("session", value) for value in (1, True)],
    *[("stamped", value) for value in (1, True)],
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_what_would_be_converted_is_refused_where_types_are_strict(name, value):
    found = errors_of(Typed(data={name: value}, partial=True))
    assert found == {name: ["wrong_type"]}


def test_the_type_that_is_wanted_is_named():
    serializer = Typed(data={"integer": "1", "users": ["1"], "decimal": "1_0"}, partial=True)
    assert not serializer.is_valid()
    assert serializer.errors == {
        "integer": ["This must be an integer."],
        "users": ["This must be a list in which each item is an integer."],
        "decimal": ["This must be a number in plain digits."],
    }


@pytest.mark.parametrize(("name", "value"), [("list", ["1"]), ("dict", {"a": 1})])
def test_the_items_of_a_list_are_held_too(name, value):
    (codes,) = errors_of(Typed(data={name: value}, partial=True))[name].values()
    assert codes == ["wrong_type"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("list", [1, 2, 3, 4]),
        ("dict", dict.fromkeys("abcd", True)),
        ("users", [1, 2, 3, 4]),
        ("choices", ["r", "b", "r", "b"]),
    ],
)
def test_what_drf_does_not_bound_is_bounded(name, value):
    assert errors_of(Typed(data={name: value}, partial=True)) == {name: ["max_length"]}


@pytest.mark.parametrize("name", ["named", "session", "text"])
@pytest.mark.parametrize(("value", "code"), [("a\x00", "null_character"), ("a\ud800", "surrogate")])
def test_what_a_database_would_raise_for_is_refused(name, value, code):
    assert errors_of(Typed(data={name: value}, partial=True)) == {name: [code]}


def test_values_of_the_right_type_pass(alice):
    data = {
        "integer": 1,
        "floating": 1,
        "decimal": "1.50",
        "boolean": False,
        "text": "a",
        "date": "2024-01-31",
        "moment": "2024-01-31T10:00:00Z",
        "uuid": str(uuid.UUID(int=1)),
        "choice": "r",
        "number": 2,
        "choices": ["r"],
        "list": [1],
        "dict": {"a": True},
        "user": alice.pk,
        "users": [alice.pk],
        "named": "alice",
        "raw": {"anything": [1]},
    }
    serializer = Typed(data=data, partial=True)
    assert serializer.is_valid(), serializer.errors
    assert serializer.validated_data["user"] == alice


class Numbers(StrictSerializer):
    integer = drf.IntegerField()
    floating = drf.FloatField(required=False)
    boolean = drf.BooleanField()
    tags = Tag(many=True, required=False)

    class Meta:
        strict_types = True


def test_a_form_holds_nothing_but_text_and_is_read_as_such():
    form = Numbers(data=QueryDict("integer=1&boolean=on&csrfmiddlewaretoken=x&tags[0]name=a"))
    assert form.is_valid(), form.errors
    assert form.validated_data["integer"] == 1
    assert form.validated_data["boolean"] is True
    assert errors_of(Numbers(data=QueryDict("integer=1_0&boolean=on&other.a=1"))) == {
        "integer": ["wrong_type"],
        "other": ["unknown_field"],
    }


@pytest.mark.parametrize("wrong", [-1, "3", None, True])
def test_a_wrong_number_of_items_has_the_default_s_meaning(wrong):
    class Mistaken(Tag):
        class Meta:
            max_items = wrong
            strict_types = "yes"

    assert Mistaken(data=[{"name": "a"}] * 100, many=True).is_valid()
    assert not Mistaken(data=[{"name": "a"}] * 101, many=True).is_valid()


class Team(StrictSerializer):
    members = BoundedPrimaryKeyRelatedField(queryset=User.objects, many=True, max_items=50)
    lead = BoundedPrimaryKeyRelatedField(queryset=User.objects.all(), required=False)


@pytest.fixture
def users(db):
    return User.objects.bulk_create([User(username=f"u{n}") for n in range(40)])


def test_many_keys_are_fetched_in_one_query(users, django_assert_num_queries):
    keys = [user.pk for user in users]
    serializer = Team(data={"members": [*reversed(keys), keys[0], str(keys[1])]})
    with django_assert_num_queries(1):
        assert serializer.is_valid(), serializer.errors
    assert [user.pk for user in serializer.validated_data["members"]] == keys[::-1]
    with django_assert_num_queries(1):
        assert Team(data={"members": [], "lead": keys[0]}).is_valid()


def test_too_many_keys_are_refused_without_a_query(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert errors_of(Team(data={"members": list(range(51))})) == {"members": ["max_length"]}


@pytest.mark.parametrize(
    "key", [1.7, True, "٣", "1_0", " 1", "x", [1], {}, None, "9" * 1000, "1\x00"]
)
def test_what_is_no_key_is_refused(db, key):
    assert errors_of(Team(data={"members": [key]}))["members"] in (
        ["incorrect_type"],
        ["null"],
        ["null_character"],
    )


@pytest.mark.parametrize("key", [2**31, 2**63 - 1, 2**63, -(2**63) - 1, 10**100, -1, 0])
def test_a_key_that_no_object_has_is_not_there(users, key):
    found = errors_of(Team(data={"members": [users[0].pk, key], "lead": key}))
    assert found == {"members": ["does_not_exist"], "lead": ["does_not_exist"]}


def test_the_places_of_missing_keys_are_told_up_to_ten(users):
    serializer = Team(data={"members": [users[0].pk] + [-1] * 20})
    assert not serializer.is_valid()
    assert serializer.errors["members"] == [
        "This object does not exist. (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, …)"
    ]
    assert errors_of(Team(data={"members": "12"})) == {"members": ["not_a_list"]}


def test_an_empty_list_of_keys_is_refused_where_it_must_not_be():
    field = BoundedPrimaryKeyRelatedField(queryset=User.objects, many=True, allow_empty=False)
    with pytest.raises(serializers.ValidationError) as caught:
        field.run_validation([])
    assert caught.value.detail[0].code == "empty"
    assert isinstance(field, ManyRelatedField)


class Stamp(models.Model):
    id = models.UUIDField(primary_key=True)
    owner = models.OneToOneField(User, models.DO_NOTHING)

    class Meta:
        app_label = "tests"
        managed = False


@pytest.mark.parametrize("key", [1, 1.5, True, [], {}, "x", "x" * 300, "a\x00"])
def test_a_key_that_is_a_uuid_is_made_of_no_number(key):
    field = BoundedPrimaryKeyRelatedField(queryset=Stamp.objects.all())
    with pytest.raises(serializers.ValidationError) as caught:
        field.run_validation(key)
    assert caught.value.detail[0].code == "incorrect_type"


@pytest.mark.django_db
def test_keys_are_bounded_and_typed_outside_of_a_strict_serializer_too():
    uuids = BoundedPrimaryKeyRelatedField(
        queryset=Stamp.objects.none(), pk_field=drf.UUIDField(), many=True, max_items=1
    )
    profile = BoundedPrimaryKeyRelatedField(queryset=Profile.objects.none())
    key = str(uuid.UUID(int=1))
    for field, data, code in [
        (uuids, [key, key], "max_length"),
        (uuids, [key], "does_not_exist"),
        (profile, "a", "incorrect_type"),
        (profile, 1, "does_not_exist"),
    ]:
        with pytest.raises(serializers.ValidationError) as caught:
            field.run_validation(data)
        assert caught.value.detail[0].code == code


def test_a_key_that_is_text_or_of_a_field_of_one_s_own(db):
    session = Session.objects.create(
        session_key="abc", session_data="", expire_date="2030-01-01T00:00Z"
    )
    for options in ({}, {"pk_field": drf.CharField()}):
        field = BoundedPrimaryKeyRelatedField(queryset=Session.objects.all(), **options)
        assert field.run_validation("abc") == session
        with pytest.raises(serializers.ValidationError):
            field.run_validation("abx")


class Profile(models.Model):
    user = models.OneToOneField(User, models.DO_NOTHING, primary_key=True)

    class Meta:
        app_label = "tests"
        managed = False


class Member(StrictSerializer):
    profile = BoundedPrimaryKeyRelatedField(queryset=Profile.objects.all())
    loose = serializers.PrimaryKeyRelatedField(queryset=Profile.objects.all(), required=False)

    class Meta:
        strict_types = True


def test_a_key_that_leads_on_to_another_is_of_that_one_s_type():
    assert errors_of(Member(data={"profile": "a", "loose": 1.5})) == {
        "profile": ["wrong_type"],
        "loose": ["wrong_type"],
    }


class Everything(models.Model):
    big = models.BigIntegerField()
    positive = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=30, validators=[MinLengthValidator(2)])
    handle = models.CharField(
        max_length=30, validators=[validators.PlainTextValidator(one_script=True, max_length=20)]
    )
    notes = models.TextField(blank=True)
    body = models.TextField(validators=[validators.RichTextValidator(preset="article")])
    email = models.EmailField()
    slug = models.SlugField(allow_unicode=True)
    link = models.URLField()
    webhook = models.URLField(validators=[validators.SafeURLValidator(public_only=True)])
    price = models.DecimalField(max_digits=6, decimal_places=2)
    ratio = models.FloatField()
    extra = models.JSONField(validators=[validators.BoundedJSONValidator(max_depth=2)])
    photo = models.ImageField()
    paper = models.FileField(validators=[validators.SafeFileValidator(types=["pdf"])])
    color = models.CharField(max_length=1, choices=COLORS)
    tags = ArrayField(models.CharField(max_length=5), size=4)
    words = ArrayField(models.CharField(max_length=5))
    pairs = HStoreField()
    owner = models.ForeignKey(User, models.DO_NOTHING)

    class Meta:
        app_label = "tests"
        managed = False


class EverythingSerializer(StrictModelSerializer):
    class Meta:
        model = Everything
        fields = [field.name for field in Everything._meta.get_fields()]


@pytest.mark.parametrize(
    ("name", "cls", "limits"),
    [
        ("big", fields.BoundedBigIntegerField, {"max_value": 2**63 - 1}),
        ("positive", fields.BoundedIntegerField, {"min_value": 0}),
        ("name", PlainTextField, {"max_length": 30, "min_length": 2}),
        ("handle", PlainTextField, {"max_length": 20}),
        ("notes", PlainTextField, {"max_length": 10_000, "allow_blank": True}),
        ("body", fields.RichTextField, {"max_length": 10_000}),
        ("email", fields.PlainEmailField, {"max_length": 254}),
        ("slug", fields.PlainSlugField, {"max_length": 50}),
        ("link", fields.SafeURLField, {"max_length": 200}),
        ("webhook", fields.SafeURLField, {"max_length": 200}),
        ("price", fields.BoundedDecimalField, {"max_digits": 6, "decimal_places": 2}),
        ("ratio", fields.BoundedFloatField, {}),
        ("extra", fields.BoundedJSONField, {}),
        ("photo", fields.SafeImageField, {"max_length": 100}),
        ("paper", fields.SafeFileField, {"max_length": 100}),
        ("color", fields.StrictChoiceField, {}),
        ("tags", fields.BoundedListField, {"max_length": 4}),
        ("words", fields.BoundedListField, {"max_length": 100}),
        ("pairs", fields.BoundedDictField, {"max_length": 100}),
        ("owner", BoundedPrimaryKeyRelatedField, {}),
        ("id", drf.BigIntegerField, {"read_only": True}),
    ],
)
def test_each_column_becomes_a_field_that_holds_what_it_holds(name, cls, limits):
    field = EverythingSerializer().fields[name]
    assert type(field) is cls
    assert {limit: getattr(field, limit) for limit in limits} == limits


def test_many_keys_of_a_model_are_bounded():
    class UserSerializer(StrictModelSerializer):
        class Meta:
            model = User
            fields = ["groups"]

    field = UserSerializer().fields["groups"]
    assert type(field) is fields.BoundedManyRelatedField
    assert field.max_items == 100


def test_what_a_column_s_validator_says_is_what_the_field_does():
    made = EverythingSerializer().fields
    assert made["handle"].format.one_script
    assert not made["name"].format.one_script
    assert not made["name"].format.newlines
    assert made["notes"].format.newlines
    assert "h1" in made["body"].rich_text.allowed.tags
    assert made["webhook"].format.public_only
    assert not made["link"].format.public_only
    assert made["extra"].limits.max_depth == 2
    assert made["paper"].upload.kinds == {"pdf"}
    assert made["tags"].child.max_length == 5


def test_a_file_of_any_kind_says_what_to_write():
    class Paper(models.Model):
        paper = models.FileField()

        class Meta:
            app_label = "tests"
            managed = False

    class Serializer(StrictModelSerializer):
        class Meta:
            model = Paper
            fields = ["paper"]

    with pytest.raises(GuardError, match="needs its types"):
        _ = Serializer().fields
    Serializer.Meta.extra_kwargs = {"paper": {"types": ["pdf"]}}
    assert Serializer().fields["paper"].upload.kinds == {"pdf"}
    del Serializer.Meta.extra_kwargs
    Serializer.Meta.read_only_fields = ["paper"]
    assert Serializer().fields["paper"].read_only


def test_read_only_columns_need_no_limits():
    class Serializer(EverythingSerializer):
        class Meta(EverythingSerializer.Meta):
            read_only_fields = EverythingSerializer.Meta.fields

    assert all(field.read_only for field in Serializer().fields.values())


def test_a_model_serializer_saves_what_passed(db):
    class TypeSerializer(StrictModelSerializer):
        class Meta:
            model = ContentType
            fields = ["app_label", "model"]

    serializer = TypeSerializer(data={"app_label": "a", "model": "Fish & Chips <3"})
    assert serializer.is_valid(), serializer.errors
    assert serializer.save().model == "Fish & Chips <3"
    assert errors_of(TypeSerializer(data={"app_label": "a", "model": "b", "id": 1, "x": 2})) == {
        "id": ["unknown_field"],
        "x": ["unknown_field"],
    }


class Account(StrictModelSerializer):
    class Meta:
        model = User
        fields = ["username", "password"]


def test_the_password_of_a_user_is_kept_as_it_came():
    password = Account().fields["password"]
    assert isinstance(password, fields.PasswordField)
    assert (password.write_only, password.max_length) == (True, 128)
    assert password.run_validation(" e\u0301\u00ad ") == " e\u0301\u00ad "
