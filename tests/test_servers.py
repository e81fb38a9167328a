"""What Django cannot build a request from is answered before it tries."""

from __future__ import annotations

import asyncio
import json

import pytest
from asgiref.sync import async_to_sync
from django.conf.urls.i18n import i18n_patterns
from django.test import RequestFactory
from django.urls import path
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import PUBLIC, asgi, guard, wsgi


@guard(read=PUBLIC, write=PUBLIC, limits={"bytes": 2_000_000, "upload": 3_000_000})
class Show(APIView):
    def get(self, request):
        return Response("shown")


class Silent(APIView):
    """Nobody guards it, so that it is refused."""


def plain(request):
    raise NotImplementedError


urlpatterns = [
    path("show", Show.as_view()),
    path("silent", Silent.as_view()),
    path("plain", plain),
    *i18n_patterns(path("show", Show.as_view())),
]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

UNREADABLE = [
    "application/json; charset=idna",
    "application/json; charset=punycode",
    "application/json; charset=utf-7",
    "application/json; charset=undefined",
    "application/json; charset=bz2_codec",
    "application/json; charset=a\x00b",
    "application/json; x*=bogus''%80",
    "application/json; charset*=utf-8''idna",
    "application/json; charset=é",
    # Django takes the last.
    "application/json; charset=utf-8; charset=idna",
    "application/json; charset=utf-8; CHARSET=punycode",
    'application/json; charset="idna"',
    "application/json; charset =undefined",
    "application/json; x=" + '";' * 4000 + "; charset=idna",
]
READABLE = [
    "",
    "application/json",
    "application/json; charset=utf-8",
    "text/plain; charset=ISO-8859-1",
    "multipart/form-data; boundary=X",
    "text/plain; charset=unheard-of",
    "application/json; charset=idna; charset=utf-8",
]
LONG = ["a" * 10_001, "application/json; a=" + "b" * 10_001, "application/json" + ";" * 10_001]


def by_wsgi(application, content_type):
    answered = []
    environ = RequestFactory()._base_environ(
        PATH_INFO="/show", QUERY_STRING="a=b", CONTENT_TYPE=content_type
    )
    body = b"".join(application(environ, lambda *args: answered.append(args)))
    status, headers = answered[0]
    return int(status.split()[0]), dict(headers), body


def by_asgi(application, headers, path="/show", messages=None, **more):
    sent = []

    received = messages or [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive():
        if not received:
            await asyncio.Event().wait()  # for a client that does not go away
        return received.pop(0)

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "root_path": "",
        "query_string": b"a=b",
        "headers": [
            (name.encode(), value.encode("latin-1"))
            for name, value in (headers.items() if isinstance(headers, dict) else headers)
        ],
        **more,
    }
    async_to_sync(application)(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


@pytest.mark.parametrize("content_type", UNREADABLE)
def test_a_content_type_that_breaks_django_is_a_400(content_type):
    status, headers, body = by_wsgi(wsgi.get_wsgi_application(), content_type)
    assert (status, headers["Content-Type"]) == (400, "application/json")
    assert json.loads(body)["code"] == "malformed_request"
    status, body = by_asgi(asgi.get_asgi_application(), {"content-type": content_type})
    assert (status, json.loads(body)["code"]) == (400, "malformed_request")


@pytest.mark.parametrize("content_type", LONG)
def test_a_content_type_past_all_measure_is_no_500(content_type):
    answers = {400, 200, 415}  # Django 6 refuses to read it, and earlier versions read it
    assert by_wsgi(wsgi.get_wsgi_application(), content_type)[0] in answers
    headers = {"content-type": content_type}
    assert by_asgi(asgi.get_asgi_application(), headers)[0] in answers


def test_what_django_s_own_parser_raises_is_a_400(monkeypatch):
    def parse(line):
        raise LookupError(line)

    monkeypatch.setattr(wsgi, "parse_header_parameters", parse)
    assert by_wsgi(wsgi.get_wsgi_application(), "a/b; c=d")[0] == 400


@pytest.mark.parametrize("content_type", READABLE[:3])
def test_any_other_reaches_django(content_type):
    assert by_wsgi(wsgi.get_wsgi_application(), content_type)[0] == 200
    assert by_asgi(asgi.get_asgi_application(), {"content-type": content_type})[0] == 200


@pytest.mark.parametrize("content_type", READABLE[3:-1])
def test_what_only_the_guard_refuses_is_left_to_it(content_type):
    assert by_wsgi(wsgi.get_wsgi_application(), content_type)[0] in (200, 415)


@pytest.fixture
def inner():
    """Return an application that answers 200, and what reached it."""
    reached = []

    async def application(scope, receive, send):
        reached.append(await receive())
        await send({"type": "http.response.start", "status": 200})

    application.reached = reached
    return application


@pytest.mark.parametrize(
    ("path", "length", "content_type", "status"),
    [
        ("/show", "2000001", "application/json", 413),
        ("/show", "2000000", "application/json", None),
        ("/show", "2000001", "multipart/form-data; boundary=X", None),
        ("/show", "3000001", "multipart/form-data; boundary=X", 413),
        ("/show", "3000001", "Multipart/Form-Data; boundary=X", 413),
        ("/show", "5", "application/json", None),
        ("/silent", "1048577", "application/json", 413),
        ("/silent", "1048576", "application/json", None),
        ("/plain", "99000000", "application/json", None),
        ("/nowhere", "9000000", "application/json", None),
        ("/nowhere", "99000000", "application/json", 413),
        ("/de/show", "2000001", "application/json", 413),
    ],
)
def test_under_asgi_a_body_that_no_view_takes_is_not_stored(
    inner, path, length, content_type, status
):
    headers = {"content-length": length, "content-type": content_type}
    answered, body = by_asgi(asgi.Application(inner), headers, path)
    assert bool(inner.reached) is (status is None)
    assert answered == (status or 200)
    assert status is None or json.loads(body)["code"] == "body_too_large"


@pytest.mark.parametrize("path", ["/show", "/plain", "/nowhere", "/silent"])
@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ([("content-length", "99999999999999999999")], 400, "malformed_request"),
        ([("content-length", "-1")], 400, "malformed_request"),
        ([("content-length", "many")], 400, "malformed_request"),
        ([("content-length", "5"), ("content-length", "500")], 400, "malformed_request"),
        ([("transfer-encoding", "chunked")], 411, "length_required"),
        ([("transfer-encoding", "gzip, chunked"), ("content-length", "5")], 411, "length_required"),
    ],
)
def test_under_asgi_no_byte_of_a_body_without_end_is_read(inner, path, headers, status, code):
    def unread():
        raise AssertionError("it was read")

    application = asgi.Application(inner)
    answered, body = by_asgi(application, headers, path, messages=[unread])
    assert (answered, json.loads(body)["code"], inner.reached) == (status, code, [])


@pytest.mark.parametrize(
    "first",
    [{"body": b"x", "more_body": False}, {"body": b"", "more_body": True}, {"more_body": True}],
)
def test_a_body_of_http_2_needs_its_length_too(inner, first):
    messages = [{"type": "http.request", **first}]
    answered, body = by_asgi(asgi.Application(inner), {}, messages=messages, http_version="2")
    assert (answered, json.loads(body)["code"]) == (411, "length_required")
    assert inner.reached == []


@pytest.mark.parametrize(
    "first", [{"type": "http.request", "body": b""}, {"type": "http.disconnect"}]
)
def test_what_has_no_body_is_handed_on_as_it_came(inner, first):
    assert by_asgi(asgi.Application(inner), {}, messages=[first])[0] == 200
    assert inner.reached == [first]


def test_what_is_no_http_is_handed_on():
    reached = []

    async def inner(scope, receive, send):
        reached.append(scope["type"])

    async_to_sync(asgi.Application(inner))({"type": "lifespan"}, None, None)
    assert reached == ["lifespan"]
