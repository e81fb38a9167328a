"""What Django cannot build a request from is answered before it tries."""

from __future__ import annotations

import asyncio
import json

import pytest
from asgiref.sync import async_to_sync
from django.test import RequestFactory
from django.urls import path
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import PUBLIC, asgi, guard, wsgi


@guard(read=PUBLIC, write=PUBLIC, limits={"bytes": 2_000_000, "upload": 3_000_000})
class Show(APIView):
    def get(self, request):
        return Response("shown")


def plain(request):
    raise NotImplementedError


urlpatterns = [path("show", Show.as_view()), path("plain", plain)]
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
]
READABLE = [
    "",
    "application/json",
    "application/json; charset=utf-8",
    "text/plain; charset=ISO-8859-1",
    "multipart/form-data; boundary=X",
    "text/plain; charset=unheard-of",
]


def by_wsgi(application, content_type):
    answered = []
    environ = RequestFactory()._base_environ(
        PATH_INFO="/show", QUERY_STRING="a=b", CONTENT_TYPE=content_type
    )
    body = b"".join(application(environ, lambda *args: answered.append(args)))
    status, headers = answered[0]
    return int(status.split()[0]), dict(headers), body


def by_asgi(application, headers, path="/show"):
    sent = []

    received = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive():
        if not received:
            await asyncio.Event().wait()  # for a client that does not go away
        return received.pop()

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "root_path": "",
        "query_string": b"a=b",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
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


@pytest.mark.parametrize("content_type", READABLE[:3])
def test_any_other_reaches_django(content_type):
    assert by_wsgi(wsgi.get_wsgi_application(), content_type)[0] == 200
    assert by_asgi(asgi.get_asgi_application(), {"content-type": content_type})[0] == 200


@pytest.mark.parametrize("content_type", READABLE[3:])
def test_what_only_the_guard_refuses_is_left_to_it(content_type):
    assert by_wsgi(wsgi.get_wsgi_application(), content_type)[0] in (200, 415)


@pytest.mark.parametrize(
    ("path", "length", "content_type", "status"),
    [
        ("/show", "2000001", "application/json", 413),
        ("/show", "2000000", "application/json", None),
        ("/show", "2000001", "multipart/form-data; boundary=X", None),
        ("/show", "3000001", "multipart/form-data; boundary=X", 413),
        ("/show", "5", "application/json", None),
        ("/show", "many", "application/json", None),
        ("/plain", "9000000", "application/json", None),
        ("/nowhere", "9000000", "application/json", None),
    ],
)
def test_under_asgi_a_body_that_no_view_takes_is_not_stored(path, length, content_type, status):
    reached = []

    async def inner(scope, receive, send):
        reached.append(scope)
        await send({"type": "http.response.start", "status": 200})

    headers = {"content-length": length, "content-type": content_type}
    answered, body = by_asgi(asgi.Application(inner), headers, path)
    assert bool(reached) is (status is None)
    assert answered == (status or 200)
    assert status is None or json.loads(body)["code"] == "body_too_large"


def test_what_is_no_http_is_handed_on():
    reached = []

    async def inner(scope, receive, send):
        reached.append(scope["type"])

    async_to_sync(asgi.Application(inner))({"type": "lifespan"}, None, None)
    assert reached == ["lifespan"]
