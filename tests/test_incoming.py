"""A query string, a path, a header field or a cookie that would break what reads it is refused."""

from __future__ import annotations

from base64 import b64encode

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient
from django.urls import path, register_converter
from rest_framework.authentication import (
    BasicAuthentication,
    SessionAuthentication,
    TokenAuthentication,
)
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import PUBLIC, guard


class Whatever:
    regex = "(.|\n)+"

    def to_python(self, value):
        return "\ud800" if value == "surrogate" else value

    def to_url(self, value):
        raise NotImplementedError


register_converter(Whatever, "whatever")


@guard(read=PUBLIC, write=PUBLIC, limits={"query": 40, "parameters": 3})
class Show(APIView):
    authentication_classes = [BasicAuthentication, TokenAuthentication, SessionAuthentication]

    def get(self, request, *args, **kwargs):
        return Response({"query": request.query_params, "path": [*args, *kwargs.values()]})


urlpatterns = [
    path("show", Show.as_view()),
    path("text/<whatever:text>", Show.as_view()),
    path("number/<int:number>", Show.as_view()),
]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


def basic(text):
    return {"HTTP_AUTHORIZATION": "Basic " + b64encode(text).decode()}


GOOD = ["", "a=1&b=2&c=3", "a=%C3%A9", "a=é", "a=%20+", "a", "&&"]
BAD = ["a=%00", "a=%FF", "a=%ED%A0%80", "a=%C0%AF", "%FF=a", "a=1&b=2&c=3&d=4", "a=" + "b" * 40]


@pytest.mark.parametrize("query", GOOD)
def test_a_query_string_that_can_be_read_is_left_alone(api, query):
    assert (
        api.generic("GET", "/show", QUERY_STRING=query.encode().decode("latin-1")).status_code
        == 200
    )


@pytest.mark.parametrize("query", BAD)
def test_a_query_string_that_cannot_be_read_is_refused(api, query):
    response = api.generic("GET", "/show", QUERY_STRING=query)
    assert (response.status_code, response.json()["code"]) == (400, "malformed_request")


def test_the_same_holds_under_asgi():
    get = async_to_sync(AsyncClient().get)
    assert get("/show?a=%C3%A9").status_code == 200
    assert get("/show?a=%00").status_code == 400


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/text/tea", 200),
        ("/text/%00", 404),
        ("/text/surrogate", 404),
        ("/number/9223372036854775807", 200),
        ("/number/9223372036854775808", 404),
    ],
)
def test_a_path_that_names_nothing_that_can_be_stored_is_not_found(api, path, status):
    assert api.get(path).status_code == status


@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_X_FIELD": "a\x00b"},
        {"HTTP_X_FIELD": "a\r\nb"},
        {"HTTP_ACCEPT": "application/json; x*=bogus''a"},
        {"HTTP_ACCEPT": ",".join(["text/html"] * 60)},
        {"content_type": "application/json; x*=utf-8''a"},
        {"CONTENT_LENGTH": "-5"},
        {"CONTENT_LENGTH": "9" * 30},
        {"HTTP_COOKIE": 'sessionid="\\000"'},
        {"HTTP_AUTHORIZATION": "Token a\x00b"},
        basic(b"a\x00b:c"),
        basic(b"a:b\x00c"),
    ],
)
def test_a_field_that_breaks_what_reads_it_is_refused(api, headers):
    response = api.generic("GET", "/show", **headers)
    assert (response.status_code, response.json()["code"]) == (400, "malformed_request")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"HTTP_ACCEPT": "text/html;q=0.9, */*;q=0.8"}, 200),
        ({"HTTP_COOKIE": 'a="\\"b\\""'}, 200),
        ({"HTTP_AUTHORIZATION": "Basic !"}, 401),
        ({"HTTP_AUTHORIZATION": "Basic é"}, 401),
        (basic(b"nobody:here"), 401),
        ({"CONTENT_LENGTH": "0"}, 200),
    ],
)
def test_other_fields_are_left_to_whom_they_are_for(api, headers, status):
    assert api.get("/show", **headers).status_code == status


def test_the_charset_of_a_query_string_is_utf_8_too(api):
    response = api.generic("GET", "/show?a=b", content_type="text/plain; charset=utf-7")
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_charset")
