"""What a form or a filter makes of a text is the client's, as the text itself is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import path
from django_filters import rest_framework as filters
from rest_framework import serializers
from rest_framework.generics import CreateAPIView, ListAPIView, ListCreateAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import PUBLIC, guard
from api_guard.fields import BoundedJSONField
from tests.hostile.models import Record, Thing

public = guard(read=PUBLIC, write=PUBLIC)


class Addresses(filters.BaseInFilter, filters.CharFilter):
    pass


class Filters(filters.FilterSet):
    addresses = Addresses(field_name="address", lookup_expr="in")
    between = filters.DateFromToRangeFilter(field_name="moment")
    constant = filters.BooleanFilter(method="by_a_constant")

    class Meta:
        model = Record
        fields = ["moment", "date", "time", "span", "address", "reference", "decimal", "small"]

    def by_a_constant(self, queryset, name, value):
        return queryset.filter(reference="no UUID")


class RecordSerializer(serializers.ModelSerializer):
    class Meta:
        model = Record
        fields = ["id", "moment", "decimal"]


@public
class Filtered(ListAPIView):
    queryset = Record.objects.all()
    serializer_class = RecordSerializer
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = Filters


@public
class Kept(ListCreateAPIView):
    """What is written by hand is shown on a page."""

    queryset = Record.objects.all()
    serializer_class = RecordSerializer

    def create(self, request):
        Record.objects.create(**request.data)
        return Response()


@public
class Linked(CreateAPIView):
    """The title of a thing names several of them."""

    class Serializer(serializers.ModelSerializer):
        parent = serializers.SlugRelatedField("title", queryset=Thing.objects.all())

        class Meta:
            model = Thing
            fields = ["title", "parent"]

    queryset = Thing.objects.all()
    serializer_class = Serializer


@public
class Uploaded(APIView):
    """A file is stored under the name that it came with, or under one of the view's."""

    storage: FileSystemStorage

    def post(self, request):
        name = request.query_params.get("name") or request.data["file"].name
        self.storage.save(name * (30 if "name" in request.query_params else 1), ContentFile(b""))
        return Response()


@public
class Configured(CreateAPIView):
    class Serializer(serializers.Serializer):
        data = BoundedJSONField(binary=True)

    serializer_class = Serializer


urlpatterns = [
    path("filtered", Filtered.as_view()),
    path("kept", Kept.as_view()),
    path("linked", Linked.as_view()),
    path("uploaded", Uploaded.as_view()),
    path("configured", Configured.as_view()),
]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]


@pytest.fixture
def lenient(api):
    api.raise_request_exception = False
    return api


@pytest.mark.parametrize(
    "query",
    [
        "moment=9999-12-31T23:59:59-06:00",
        "moment=9999-12-31+23:59:59",
        "moment=0001-01-01T00:00:00%2B14:00",
        "between_before=9999-12-31",
        "between_after=0001-01-01",
        "span=999999999 00:00:00",
        "span=%20999999999 00:00:00%20",
        "span=P999999999D",
        "address=1%20",
        "address=%20tea%20",
        "addresses=1,%20tea",
        "small=99999999999999999999",
        "decimal=1e40",
        "decimal=%201e40",
        "reference=%20tea",
    ],
)
def test_a_filter_s_value_is_no_500(lenient, query):
    Record.objects.create(moment="2024-01-01T00:00Z", span=timedelta(1), address="127.0.0.1")
    response = lenient.get(f"/filtered?{query}")
    assert response.status_code in (200, 400), response.content
    assert response.status_code == 400 or len(response.json()) <= 1


def test_a_filter_s_own_mistake_stays_a_500(lenient):
    assert lenient.get("/filtered?constant=true").status_code == 500


@pytest.mark.parametrize(
    "data",
    [
        {"moment": "9999-12-31T23:59:59-06:00"},
        {"moment": "0001-01-01T00:00:00+14:00"},
        {"decimal": "12345678.9"},
        {"decimal": 10**9},
    ],
)
def test_what_no_page_could_show_is_not_stored(lenient, data):
    response = lenient.post("/kept", data)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_value")
    assert lenient.get("/kept").json() == []
    assert lenient.post("/kept", {"moment": "9999-12-31T12:00:00Z"}).status_code == 200
    assert lenient.get("/kept").status_code == 200


def test_a_name_that_stands_for_several_is_a_400(lenient):
    Thing.objects.bulk_create([Thing(title="twice"), Thing(title="twice")])
    response = lenient.post("/linked", {"title": "a", "parent": "twice"})
    assert (response.status_code, response.json()["code"]) == (400, "invalid_value")


@pytest.mark.parametrize("name", ["é" * 150, "a" * 240 + ".ext" * 5, "a " * 140])
def test_a_file_name_that_is_too_long_is_a_400(lenient, tmp_path, monkeypatch, name):
    monkeypatch.setattr(Uploaded, "storage", FileSystemStorage(tmp_path), raising=False)
    send = {"file": SimpleUploadedFile(name, b"tea")}
    response = lenient.post("/uploaded", send, format="multipart")
    assert response.status_code in (200, 400)
    assert response.status_code == 200 or response.json()["code"] == "invalid_value"
    assert lenient.post("/uploaded?name=of-the-view", {}).status_code == 500


@pytest.mark.parametrize("suffix", ["e" * 300, "é" * 150])
def test_a_suffix_that_is_too_long_for_a_temporary_file_is_a_400(lenient, settings, suffix):
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 0
    body = (
        f'--X\r\nContent-Disposition: form-data; name="file"; filename="a.{suffix}"\r\n\r\n'
        "tea\r\n--X--\r\n"
    ).encode()
    response = lenient.generic("POST", "/uploaded", body, "multipart/form-data; boundary=X")
    assert (response.status_code, response.json()["code"]) == (400, "malformed_body")


@pytest.mark.parametrize("value", [True, 1, None, [], {"a": 1}, 1.5])
def test_json_in_a_text_is_a_text(lenient, value):
    response = lenient.post("/configured", {"data": value})
    assert response.status_code == 400
    assert list(response.json()) == ["data"]
    assert lenient.post("/configured", {"data": '{"a": 1}'}).status_code == 500  # no create()
