"""What comes in at a guarded view, over HTTP: by JSON, by form, and in the browsable API."""

from __future__ import annotations

import io
import json

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import include, path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.settings import spectacular_settings
from PIL import Image
from rest_framework.generics import CreateAPIView
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.viewsets import ModelViewSet

from api_guard import ANY_OBJECT, PUBLIC, fields, grants, guard
from api_guard.serializers import StrictModelSerializer, StrictSerializer
from tests.models import Notebook


class Link(StrictSerializer):
    """A link and its name."""

    url = fields.SafeURLField(public_only=True)
    name = fields.PlainTextField(max_length=20)


class Entry(StrictSerializer):
    title = fields.PlainTextField(max_length=30, markup="refuse")
    body = fields.RichTextField(max_length=500, linkify=True, required=False)
    email = fields.PlainEmailField(required=False)
    slug = fields.PlainSlugField(max_length=20, required=False)
    count = fields.BoundedIntegerField(min_value=0, required=False)
    price = fields.BoundedDecimalField(max_digits=6, decimal_places=2, required=False)
    ratio = fields.BoundedFloatField(required=False)
    state = fields.StrictChoiceField(choices=["draft", "public"], required=False)
    tags = fields.BoundedListField(
        child=fields.PlainTextField(max_length=10), max_length=5, required=False
    )
    sizes = fields.BoundedDictField(
        child=fields.BoundedIntegerField(), max_length=3, required=False
    )
    extra = fields.BoundedJSONField(required=False)
    links = Link(many=True, required=False)
    groups = fields.BoundedPrimaryKeyRelatedField(
        queryset=Group.objects.all(), many=True, max_items=7, required=False
    )
    paper = fields.SafeFileField(types=["pdf"], required=False, use_url=False)
    photo = fields.SafeImageField(required=False, use_url=False)

    def create(self, validated_data):
        created.append(validated_data)
        return validated_data

    class Meta:
        strict_types = True
        refuse_read_only = True


class Shelf(StrictSerializer):
    one = fields.BoundedPrimaryKeyRelatedField(queryset=Notebook.objects.all(), required=False)
    many = fields.BoundedPrimaryKeyRelatedField(
        queryset=Notebook.objects.all(), many=True, required=False
    )

    def create(self, validated_data):
        return {}

    class Meta:
        strict_types = True


class GroupSerializer(StrictModelSerializer):
    class Meta:
        model = Group
        fields = ["id", "name"]


class UserSerializer(StrictModelSerializer):
    class Meta:
        model = User
        fields = ["id", "username", "groups"]


created = []


@guard(write=PUBLIC)
class Entries(CreateAPIView):
    serializer_class = Entry
    schema = AutoSchema()
    parser_classes = [JSONParser, FormParser, MultiPartParser]
    renderer_classes = [JSONRenderer]

    def finalize_response(self, request, response, *args, **kwargs):
        if response.status_code == 201:
            response.data = {"created": len(created)}
        return super().finalize_response(request, response, *args, **kwargs)


@guard(read=PUBLIC, write=PUBLIC, objects=ANY_OBJECT)
class Groups(ModelViewSet):
    queryset = Group.objects.order_by("pk")
    serializer_class = GroupSerializer
    schema = AutoSchema()
    renderer_classes = [BrowsableAPIRenderer, JSONRenderer]


@guard(read=PUBLIC, write=PUBLIC, objects=ANY_OBJECT)
class Users(ModelViewSet):
    queryset = User.objects.prefetch_related("groups").order_by("pk")
    serializer_class = UserSerializer
    schema = AutoSchema()


@guard(write="notes:write", owner="owner")
class Notebooks(CreateAPIView):
    queryset = Notebook.objects.all()
    schema = AutoSchema()


@guard(write="notes:write")
class Shelves(CreateAPIView):
    serializer_class = Shelf
    schema = AutoSchema()

    def finalize_response(self, request, response, *args, **kwargs):
        if response.status_code == 201:
            response.data = {}
        return super().finalize_response(request, response, *args, **kwargs)


urlpatterns = [
    path("notebooks/", Notebooks.as_view()),
    path("shelves/", Shelves.as_view()),
    path("o/", include("api_guard.oauth2.urls")),
    path("entries/", Entries.as_view()),
    path("groups/", Groups.as_view({"get": "list", "post": "create"})),
    path("users/", Users.as_view({"get": "list", "post": "create"})),
]
SHOWN = urlpatterns[-3:]
pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _nothing_created():
    created.clear()


def test_what_is_declared_is_created(api):
    group = Group.objects.create(name="a")
    answer = api.post(
        "/entries/",
        {
            "title": " Fish & Chips <3 ",
            "body": "<p>see https://example.com/ <script>alert(1)</script>",
            "email": "a@EXAMPLE.com",
            "slug": "a-b_1",
            "count": 3,
            "price": "1.50",
            "ratio": 0.5,
            "state": "draft",
            "tags": ["a", "b"],
            "sizes": {"a": 1},
            "extra": {"a": [1, None]},
            "links": [{"url": "https://bücher.example/", "name": "x"}],
            "groups": [group.pk],
        },
    )
    assert (answer.status_code, answer.json()) == (201, {"created": 1})
    (value,) = created
    assert value["title"] == "Fish & Chips <3"
    assert value["body"] == (
        '<p>see <a href="https://example.com/" rel="nofollow noopener">https://example.com/</a> '
        "</p>"
    )
    assert value["email"] == "a@example.com"
    assert value["links"][0]["url"] == "https://xn--bcher-kva.example/"
    assert value["groups"] == [group]


@pytest.mark.parametrize(
    ("data", "refused"),
    [
        ({"titel": "a"}, ["titel"]),
        ({"title": "<b>a"}, ["title"]),
        ({"title": "a\u0000"}, ["title"]),
        ({"title": "a\ud800"}, ["title"]),
        ({"title": 5}, ["title"]),
        ({"body": "<script></script>"}, ["body"]),
        ({"body": "<b>" * 99}, ["body"]),
        ({"email": "a@localhost"}, ["email"]),
        ({"slug": "a b"}, ["slug"]),
        ({"count": "3"}, ["count"]),
        ({"count": 2**64}, ["count"]),
        ({"count": True}, ["count"]),
        ({"price": "1_0"}, ["price"]),
        ({"ratio": "1.0"}, ["ratio"]),
        ({"state": "x"}, ["state"]),
        ({"tags": ["a"] * 6}, ["tags"]),
        ({"sizes": {"a": 1, "b": 1, "c": 1, "d": 1}}, ["sizes"]),
        ({"extra": [[[[[[[[[1]]]]]]]]]}, ["extra"]),
        ({"links": [{"url": "http://169.254.169.254/", "name": "x"}]}, ["links"]),
        ({"links": [{"url": "https://example.com/", "name": "x", "y": 1}]}, ["links"]),
        ({"links": [1]}, ["links"]),
        ({"groups": [1.7]}, ["groups"]),
        ({"groups": list(range(8))}, ["groups"]),
        ({"groups": [999]}, ["groups"]),
        ({"paper": "a.pdf"}, ["paper"]),
        ([], ["non_field_errors"]),
        ("x", ["non_field_errors"]),
        (7, ["non_field_errors"]),
    ],
)
# A list with one wrong item is told in the form that DRF 3.20 takes away.
@pytest.mark.filterwarnings("ignore:The list-based error format")
def test_what_is_not_is_400_and_says_where(api, data, refused):
    body = {"title": "a", **data} if isinstance(data, dict) else data
    answer = api.generic("POST", "/entries/", json.dumps(body), content_type="application/json")
    assert (answer.status_code, list(answer.json())) == (400, refused)
    assert created == []


@pytest.mark.parametrize(
    "body",
    [
        b'{"title": "a", "extra": ' + b"[" * 500 + b"]" * 500 + b"}",
        b'{"title": "a", "count": ' + b"9" * 4000 + b"}",
        b'{"title": "a", "ratio": 1e999}',
        b'{"title": "a", "extra": {"\\ud800": "\\udfff"}}',
        b'{"\\ud800": 1}',
        json.dumps({f"k{n}": n for n in range(2000)}).encode(),
        json.dumps({"title": "a", "groups": ["9" * 10_000] * 7}).encode(),
        json.dumps({"title": "\u0301" * 100_000}).encode(),
        json.dumps({"title": "a", "body": "<div>" * 40_000}).encode(),
        json.dumps({"title": "a", "email": "a@" + "a." * 50_000}).encode(),
        json.dumps({"title": "a", "links": [{"url": "http://" + "ü" * 50_000}]}).encode(),
    ],
)
@pytest.mark.filterwarnings("ignore:The list-based error format")
def test_no_body_is_a_500_and_no_answer_is_long(api, body):
    answer = api.generic("POST", "/entries/", body, content_type="application/json")
    assert answer.status_code == 400
    assert len(answer.content) < 3000


def test_files_come_in_by_multipart(api):
    out = io.BytesIO()
    Image.new("RGB", (2, 2)).save(out, "PNG")
    files = {
        "paper": SimpleUploadedFile("a.pdf", b"%PDF-1.7\n", content_type="text/html"),
        "photo": SimpleUploadedFile("a.png", out.getvalue()),
    }
    answer = api.post("/entries/", {"title": "a", "count": "3", **files}, format="multipart")
    assert answer.status_code == 201, answer.json()
    assert created[0]["paper"].content_type == "application/pdf"
    assert created[0]["count"] == 3
    lie = {"title": "a", "photo": SimpleUploadedFile("a.png", b"<svg onload=alert(1)>")}
    answer = api.post("/entries/", lie, format="multipart")
    assert (answer.status_code, list(answer.json())) == (400, ["photo"])
    odd = api.post("/entries/", {"title": "a", "count": "٣"}, format="multipart")
    assert (odd.status_code, list(odd.json())) == (400, ["count"])


def test_a_model_is_written_and_read_as_it_came(api):
    answer = api.post("/groups/", {"name": "Tom & <b>Jerry</b>"})
    assert answer.status_code == 201
    listed = api.get("/groups/", headers={"Accept": "application/json"}).json()
    assert [group["name"] for group in listed] == ["Tom & <b>Jerry</b>"]
    assert api.post("/groups/", {"name": "a\u202eb"}).status_code == 400


def test_the_form_of_the_browsable_api_is_usable(api):
    page = api.get("/groups/", headers={"Accept": "text/html"}).content.decode()
    assert 'name="name"' in page
    assert "<input" in page
    answer = api.post("/groups/", {"name": "by form", "csrfmiddlewaretoken": "x"}, "multipart")
    assert answer.status_code == 201
    Group.objects.create(name="<script>alert(1)</script>")
    assert b"<script>alert(1)" not in api.get("/groups/", headers={"Accept": "text/html"}).content


def test_many_keys_cost_one_query(api, django_assert_num_queries, django_assert_max_num_queries):
    keys = [Group.objects.create(name=f"g{n}").pk for n in range(50)]
    few, many = ({"username": f"u{len(k)}", "groups": k} for k in (keys[:1], keys))
    with django_assert_max_num_queries(30) as first:
        assert api.post("/users/", few).status_code == 201
    with django_assert_num_queries(len(first)):
        assert api.post("/users/", many).status_code == 201


def test_keys_are_narrowed_to_the_caller_s_objects(api, alice, bob):
    """One object of somebody else's is not there, alone and among many."""
    mine = Notebook.objects.create(owner=alice, title="mine")
    other = Notebook.objects.create(owner=bob, title="other")
    api.by_session(alice)
    grants.grant("notes:write", alice, by=grants.System("a test"))
    for data in ({"one": other.pk}, {"many": [mine.pk, other.pk]}):
        answer = api.post("/shelves/", data)
        assert (answer.status_code, list(answer.json())) == (400, list(data))
    assert api.post("/shelves/", {"one": mine.pk, "many": [mine.pk]}).status_code == 201


def test_the_schema_says_what_the_fields_hold(monkeypatch):
    monkeypatch.setattr(spectacular_settings, "COMPONENT_SPLIT_REQUEST", True)
    # It asks for an extension that says how to sign in, which is another matter.
    monkeypatch.setattr("drf_spectacular.openapi.warn", lambda *args: None)
    components = SchemaGenerator(patterns=SHOWN).get_schema(public=True)["components"]
    entry = components["schemas"]["EntryRequest"]
    assert "description" not in entry
    assert components["schemas"]["LinkRequest"]["description"] == "A link and its name."
    said = entry["properties"]
    text = {"type": "string", "minLength": 1}
    integer = {"type": "integer", "format": "int64"}
    assert said == {
        "title": {**text, "maxLength": 30},
        "body": {**text, "maxLength": 500},
        "email": {**text, "format": "email", "maxLength": 254},
        "slug": {**text, "maxLength": 20, "pattern": "^[-a-zA-Z0-9_]+$"},
        "count": {**integer, "minimum": 0, "maximum": 2**63 - 1},
        "price": {
            "type": "string",
            "format": "decimal",
            "pattern": r"^-?\d{0,4}(?:\.\d{0,2})?$",
        },
        "ratio": {"type": "number", "format": "double"},
        "state": {"$ref": "#/components/schemas/StateEnum"},
        "tags": {"type": "array", "items": {**text, "maxLength": 10}, "maxItems": 5},
        "sizes": {
            "type": "object",
            "additionalProperties": {**integer, "minimum": -(2**63), "maximum": 2**63 - 1},
            "maxProperties": 3,
        },
        "extra": {},
        "links": {
            "type": "array",
            "items": {"$ref": "#/components/schemas/LinkRequest"},
            "maxItems": 100,
        },
        "groups": {"type": "array", "items": {"type": "integer"}, "maxItems": 7},
        "paper": {"type": "string", "format": "binary"},
        "photo": {"type": "string", "format": "binary"},
    }
    link = components["schemas"]["LinkRequest"]["properties"]["url"]
    assert link == {**text, "format": "uri", "maxLength": 2000}
    users = components["schemas"]["UserRequest"]["properties"]
    assert users["groups"]["maxItems"] == 100
    assert users["username"]["maxLength"] == 150
