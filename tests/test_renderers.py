"""Answers in JSON: always written, safe in a page, and taken for nothing else."""

from __future__ import annotations

import datetime
import json
import time

import pytest
from django.core.files.base import ContentFile
from django.http import HttpResponse
from django.urls import path
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.renderers import BrowsableAPIRenderer, TemplateHTMLRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import PUBLIC, guard
from api_guard.renderers import JSONRenderer
from tests.hostile.models import Thing

NAN, INFINITY = float("nan"), float("inf")


def rendered(value):
    return JSONRenderer().render(value)


def deep(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, b""),
        ({"a": "é", "at": datetime.date(2026, 1, 2)}, '{"a":"é","at":"2026-01-02"}'.encode()),
        ("</script>&", b'"\\u003c/script\\u003e\\u0026"'),
        ("\u2028", b'"\\u2028"'),
        ("a\ud800b", '"a\ufffdb"'.encode()),
        ({"\ud800": ["\udfff", 1]}, '{"\ufffd":["\ufffd",1]}'.encode()),
        ([NAN, INFINITY, -INFINITY, 1.5, (2,)], b"[null,null,null,1.5,[2]]"),
        ({INFINITY: 1, None: 2, True: NAN}, b'{"inf":1,"null":2,"true":null}'),
        ([10**5000, 1], b"[null,1]"),
        ([b"tea", b"\xd7a"], '["tea","\ufffda"]'.encode()),
    ],
)
def test_what_json_cannot_say_is_written_as_what_comes_nearest(value, text):
    assert rendered(value) == text


def test_what_is_nested_without_end_is_cut():
    text = rendered(deep(1_000_000)).decode()  # Python 3.14 writes 50,000
    assert text.count("[") == 100
    assert json.loads(text)


def test_what_is_no_data_is_a_bug_and_raises():
    circle = []
    circle.append(circle)
    with pytest.raises(ValueError, match="Circular"):
        rendered(circle)
    with pytest.raises(TypeError):
        rendered({(1, 2): 3})


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters()) | st.floats(), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(anything.filter(lambda value: value is not None))
def test_whatever_was_stored_is_answered(value):
    text = rendered(value)
    json.loads(text, parse_constant=lambda name: pytest.fail(name))
    assert not {b"<", b">", b"&"} & {bytes([byte]) for byte in text}


def test_a_number_that_is_none_is_null_by_itself_too():
    assert rendered(float("inf")) == b"null"
    assert rendered([float("nan")]) == b"[null]"


class Show(APIView):
    renderer_classes = [JSONRenderer, BrowsableAPIRenderer]

    def get(self, request):
        """Say it in `?deep=`."""
        return Response({"a": deep(int(request.query_params.get("deep", 1)))})


public = guard(read=PUBLIC)
Guarded = public(type("Guarded", (Show,), {"__module__": __name__}))


@public
class Plain(APIView):
    def get(self, request):
        headers = {"Content-Security-Policy": "default-src 'self'", "X-Content-Type-Options": "no"}
        return HttpResponse("a", headers=headers)


@public
class Template(APIView):
    renderer_classes = [TemplateHTMLRenderer]

    def get(self, request):
        return Response(template_name="rest_framework/filters/base.html")


FRAMES = {}


@public
class Framed(APIView):
    def get(self, request):
        return Response({}, headers={key: value for key, value in FRAMES.items() if value})


urlpatterns = [
    path("show", Guarded.as_view()),
    path("framed", Framed.as_view()),
    path("plain", Plain.as_view()),
    path("template", Template.as_view()),
]


@pytest.mark.urls(__name__)
def test_an_answer_is_data_that_is_neither_run_nor_framed(api):
    for response in (api.get("/show"), api.get("/show?a=%00"), api.delete("/show")):
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        policy = response.headers["Content-Security-Policy"]
        assert policy == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(
    ("setting", "of_view", "frames"),
    [
        ("DENY", None, "'none'"),
        ("SAMEORIGIN", None, "'self'"),
        ("sameorigin", None, "'self'"),
        ("SAMEORIGIN", "DENY", "'none'"),
        ("DENY", "SAMEORIGIN", "'self'"),
        ("ALLOW-FROM https://other.example", None, "'none'"),
        (None, None, "'none'"),
    ],
)
def test_the_site_shows_its_own_answers_in_its_pages_where_it_says_so(
    api, settings, setting, of_view, frames
):
    settings.X_FRAME_OPTIONS = setting
    FRAMES["X-Frame-Options"] = of_view
    policy = api.get("/framed").headers["Content-Security-Policy"]
    assert policy == f"default-src 'none'; frame-ancestors {frames}"
    page = api.get("/show", HTTP_ACCEPT="text/html").headers["Content-Security-Policy"]
    assert page.endswith("frame-ancestors 'none'")


@pytest.mark.urls(__name__)
def test_the_browsable_api_runs_its_own_scripts_alone(api, settings):
    policy = api.get("/show", HTTP_ACCEPT="text/html").headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    settings.STATIC_URL = "https://static.example/files/"
    policy = api.get("/show", HTTP_ACCEPT="text/html").headers["Content-Security-Policy"]
    assert "script-src 'self' https://static.example;" in policy


@pytest.mark.urls(__name__)
def test_what_a_view_says_of_itself_holds(api):
    headers = api.get("/plain").headers
    assert headers["Content-Security-Policy"] == "default-src 'self'"
    assert headers["X-Content-Type-Options"] == "no"
    assert "Content-Security-Policy" not in api.get("/template", HTTP_ACCEPT="text/html").headers


@pytest.mark.urls(__name__)
def test_a_deep_value_holds_no_page_up(api):
    started = time.perf_counter()
    assert api.get("/show?deep=900", HTTP_ACCEPT="text/html").status_code == 200
    assert time.perf_counter() - started < 1


@pytest.mark.django_db
@pytest.mark.urls("tests.hostile.urls")
def test_a_row_that_should_never_have_been_stored_breaks_no_list(api):
    Thing.objects.create(title="tea", weight=1.5)
    Thing(title="\ud800", weight=NAN)  # what another door let in
    text = rendered([{"title": thing.title} for thing in (Thing(title="\ud800"),)])
    assert json.loads(text) == [{"title": "\ufffd"}]
    assert api.get("/guarded/things/").json()["count"] == 1


def test_an_upload_where_a_text_was_meant_is_written_by_lines():
    assert json.loads(rendered({"title": ContentFile(b"tea\n")})) == {"title": ["tea\n"]}
    assert json.loads(rendered({"title": ContentFile(b"tea\n\xff")})) == {
        "title": ["tea\n", "\ufffd"]
    }
