"""Bodies within limits: refused before they are read, read in one way, and whole."""

from __future__ import annotations

import errno
import io
from contextlib import suppress

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.test import RequestFactory
from django.urls import path
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from api_guard import PUBLIC, SIGNED_IN, guard
from api_guard.core.limits import DEFAULT
from api_guard.exceptions import (
    BodyOverLimit,
    BodyTooLarge,
    GuardError,
    MalformedBody,
    UnsupportedCharset,
)
from api_guard.parsers import FormParser, JSONParser, MultiPartParser

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=X"


class Taking(APIView):
    parser_classes = [JSONParser, FormParser, MultiPartParser]

    def post(self, request):
        files = {name: file.read().decode() for name, file in request.FILES.items()}
        return Response({**{name: request.data[name] for name in request.data}, **files})


@guard(read=PUBLIC, write=PUBLIC)
class Usual(Taking):
    pass


@guard(read=PUBLIC, write=PUBLIC, limits={"bytes": 40, "upload": 300, "top": "any", "items": 2})
class Narrow(Taking):
    def post(self, request):
        return Response(request.data)


@guard(read=SIGNED_IN, write=SIGNED_IN)
class InSession(Taking):
    """Django looks for a token of CSRF in the form."""

    authentication_classes = [SessionAuthentication]


urlpatterns = [
    path("usual", Usual.as_view()),
    path("narrow", Narrow.as_view()),
    path("session", InSession.as_view()),
]
pytestmark = pytest.mark.urls(__name__)


def part(name, value, more=""):
    head = f'--X\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'
    return head.encode() + value + b"\r\n"


def post(api, body, content_type="application/json", to="/usual", **extra):
    return api.generic("POST", to, body, content_type, **extra)


def code_of(response):
    return response.status_code, response.json().get("code")


@pytest.mark.parametrize(
    ("body", "content_type", "answer"),
    [
        (b'{"a": "1"}', "application/json", {"a": "1"}),
        (b'{"a": "1"}', "application/json; charset=UTF-8", {"a": "1"}),
        ("a=é".encode(), FORM, {"a": "é"}),
        (b"a=%C3%A9+b", f'{FORM}; charset="utf-8"', {"a": "é b"}),
        (part("a", "é".encode()) + b"--X--", MULTIPART, {"a": "é"}),
        (part("a", b"1") + b"--X--\r\nafter it", MULTIPART, {"a": "1"}),
        (b"--X--\r\n", MULTIPART, {}),
        (
            part("f", b"\xff".hex().encode(), '; filename="f"') + b"--X--\r\n",
            MULTIPART,
            {"f": "ff"},
        ),
    ],
)
def test_a_good_body_is_read_as_drf_reads_it(api, body, content_type, answer):
    assert post(api, body, content_type).json() == answer


@pytest.mark.parametrize(
    ("body", "content_type", "answer"),
    [
        (b"[]", "application/json", (400, "malformed_body")),
        (b'{"a": [1e400]}', "application/json", (400, "malformed_body")),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "application/json", (400, "body_over_limit")),
        (b"{}", "application/json; charset=latin-1", (415, "unsupported_charset")),
        (b"a=%FF", FORM, (400, "malformed_body")),
        (b"a=\xff", FORM, (400, "malformed_body")),
        (b"%00=a", FORM, (400, "malformed_body")),
        (b"a=\x00", FORM, (400, "malformed_body")),
        (b"a" * 201 + b"=1", FORM, (400, "body_over_limit")),
        (b"a=" + b"1" * 100_001, FORM, (400, "body_over_limit")),
        (b"&".join([b"a=1"] * 1500), FORM, (400, "body_over_limit")),
        (part("a", b"\xff") + b"--X--\r\n", MULTIPART, (400, "malformed_body")),
        (part("a", b"\x00") + b"--X--\r\n", MULTIPART, (400, "malformed_body")),
        (part("a\x00", b"1") + b"--X--\r\n", MULTIPART, (400, "malformed_body")),
        (part("a", b"1"), MULTIPART, (400, "malformed_body")),
        (part("f", b"1", '; filename="f"'), MULTIPART, (400, "malformed_body")),
        (b"--X--", "multipart/form-data", (400, "malformed_body")),
        (part("a", b"1") * 1500 + b"--X--", MULTIPART, (400, "body_over_limit")),
    ],
)
def test_a_bad_body_is_refused_with_a_code(api, body, content_type, answer):
    assert code_of(post(api, body, content_type)) == answer


def test_the_limits_are_those_of_the_view(api):
    assert post(api, b"[1]", to="/narrow").json() == [1]
    assert code_of(post(api, b"[1, 2, 3]", to="/narrow")) == (400, "body_over_limit")
    assert code_of(post(api, b"a=1&a=2&b=3", FORM, to="/narrow")) == (400, "body_over_limit")
    assert code_of(post(api, b"[" + b" " * 40 + b"]", to="/narrow")) == (413, "body_too_large")
    assert code_of(post(api, b"a=" + b"1" * 40, FORM, to="/narrow")) == (413, "body_too_large")
    whole = part("a", b"1" * 300) + b"--X--"
    assert code_of(post(api, whole, MULTIPART, to="/narrow")) == (413, "body_too_large")


def test_the_limits_are_those_of_the_settings(api, settings):
    settings.API_GUARD = {**settings.API_GUARD, "LIMITS": {"depth": 1}}
    assert code_of(post(api, b'{"a": [1]}')) == (400, "body_over_limit")
    settings.API_GUARD = {**settings.API_GUARD, "LIMITS": {"depth": "deep"}}
    assert post(api, b'{"a": [1]}').json() == {"a": [1]}


def test_a_limit_that_cannot_be_meant_is_an_error_at_import():
    with pytest.raises(GuardError, match="Did you mean 'bytes'"):
        guard(read=PUBLIC, limits={"byte": 5})


class Unread(io.BytesIO):
    def read(self, *size):
        raise AssertionError("it was read")


def test_a_body_over_the_limit_is_refused_before_it_is_read(api):
    response = post(
        api,
        b"",
        CONTENT_LENGTH=str(DEFAULT.bytes + 1),
        CONTENT_TYPE="application/json",
        **{"wsgi.input": Unread()},
    )
    assert code_of(response) == (413, "body_too_large")


def test_django_s_own_limit_is_a_413_as_well(api, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    assert code_of(post(api, b'{"a": "123456789"}')) == (413, "body_too_large")
    whole = part("a", b"1" * 20) + b"--X--"
    assert code_of(post(api, whole, MULTIPART)) == (413, "body_too_large")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b'{"a": 1}', "application/json"), (b"a=1", FORM), (part("a", b"1") + b"--X--", MULTIPART)],
)
def test_a_body_that_ends_too_soon_is_refused(api, body, content_type):
    length = str(len(body) + 5)
    response = post(
        api, body, content_type, CONTENT_LENGTH=length, **{"wsgi.input": io.BytesIO(body)}
    )
    assert code_of(response) == (400, "malformed_body")


class Broken(io.BytesIO):
    def read(self, *size):
        raise OSError("the client has gone")


def test_a_client_that_has_gone_is_no_error(api):
    response = post(api, b"", CONTENT_LENGTH="9", **{"wsgi.input": Broken()})
    assert code_of(response) == (400, "malformed_body")


def test_a_body_of_unknown_length_is_refused(api):
    response = post(api, b"", HTTP_TRANSFER_ENCODING="chunked", CONTENT_TYPE="application/json")
    assert code_of(response) == (411, "length_required")
    assert post(api, b"").json() == {}


def test_a_file_of_a_refused_form_is_closed(api, monkeypatch):
    closed = []
    monkeypatch.setattr(
        "django.core.files.uploadhandler.MemoryFileUploadHandler.file_complete",
        lambda handler, size: closing,
    )
    closing = SimpleUploadedFile("f", b"")
    monkeypatch.setattr(closing, "close", lambda: closed.append(True))
    whole = part("f", b"1", '; filename="f"') + part("a", b"\x00") + b"--X--"
    assert code_of(post(api, whole, MULTIPART)) == (400, "malformed_body")
    assert closed


def test_outside_a_view_the_parsers_keep_to_the_settings():
    assert JSONParser().parse(io.BytesIO(b"{}")) == {}
    assert FormParser().parse(io.BytesIO(b"a=1"))["a"] == "1"
    with pytest.raises(BodyTooLarge):
        JSONParser().parse(io.BytesIO(b" " * (DEFAULT.bytes + 1)))
    whole = part("f", b"1" * DEFAULT.upload, '; filename="f"') + b"--X--"
    request = RequestFactory().post("/", whole, MULTIPART)
    with pytest.raises(BodyTooLarge):
        MultiPartParser().parse(request, MULTIPART, {"request": request})
    for parser in (JSONParser(), FormParser(), MultiPartParser()):
        with pytest.raises(UnsupportedCharset):
            parser.parse(io.BytesIO(b"{}"), None, {"encoding": "utf-16"})


def test_who_catches_drf_s_exceptions_catches_these():
    assert issubclass(MalformedBody, ParseError)
    assert issubclass(BodyOverLimit, ParseError)
    assert issubclass(UnsupportedCharset, UnsupportedMediaType)


def reads_the_form(get_response):
    def middleware(request):
        with suppress(Exception):
            assert request.POST is not None
        return get_response(request)

    return middleware


FORMS = [
    (part("a", b"1") + b"--X--", MULTIPART, 200, None),
    (part("f", b"1", '; filename="f"') + b"--X--\r\n", MULTIPART, 200, None),
    (b"a=1", FORM, 200, None),
    (part("a", b"\x00") + b"--X--", MULTIPART, 400, "malformed_body"),
    (part("a", b"\xff") + b"--X--", MULTIPART, 400, "malformed_body"),
    (part("a\x00", b"1") + b"--X--", MULTIPART, 400, "malformed_body"),
    (part("a", b"1"), MULTIPART, 400, "malformed_body"),
    (part("f", b"1", '; filename="f"'), MULTIPART, 400, "malformed_body"),
    (part("a", b"1" * 100_001) + b"--X--", MULTIPART, 400, "body_over_limit"),
    (part("a" * 201, b"1") + b"--X--", MULTIPART, 400, "body_over_limit"),
    (part("a", b"1") * 900 + part("b", b"1") * 101 + b"--X--", MULTIPART, 400, "body_over_limit"),
    (b"--X--", "multipart/form-data", 400, "malformed_body"),
    (part("a", b"1") + b"--X--", f"{MULTIPART}; charset=latin-1", 415, "unsupported_charset"),
    (b"a=%00", FORM, 400, "malformed_body"),
    (b"a=%FF", FORM, 400, "malformed_body"),
]


@pytest.mark.parametrize(("body", "content_type", "status", "code"), FORMS)
def test_a_form_that_a_middleware_has_read_is_looked_at_all_the_same(
    api, settings, body, content_type, status, code
):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.reads_the_form"]
    assert code_of(post(api, body, content_type)) == (status, code)


@pytest.mark.parametrize(("body", "content_type", "status", "code"), FORMS)
def test_a_form_that_was_read_for_its_token_of_csrf_is_looked_at(
    alice, body, content_type, status, code
):
    api = APIClient(enforce_csrf_checks=True)
    api.force_login(alice)
    api.cookies["csrftoken"] = token = "a" * 32
    if status == 200:
        found = post(api, body, content_type, to="/session", HTTP_X_CSRFTOKEN=token)
        assert code_of(found) == (200, None)
    form = part("csrfmiddlewaretoken", token.encode())
    whole = form + body if content_type.startswith(MULTIPART) else body
    if content_type == FORM:
        whole = body + f"&csrfmiddlewaretoken={token}".encode()
    found = post(api, whole, content_type, to="/session")
    assert found.status_code in (status, 403), found.content
    assert status != 200 or found.status_code == 200


def test_a_form_that_was_read_and_ends_too_soon_is_refused(api, settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.reads_the_form"]
    body = part("a", b"1") + b"--X--"
    length = str(len(body) + 5)
    response = post(api, body, MULTIPART, CONTENT_LENGTH=length, **{"wsgi.input": io.BytesIO(body)})
    assert code_of(response) == (400, "malformed_body")


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_of_another_method_django_reads_no_form(api, settings, method):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.reads_the_form"]
    body = part("a", b"\x00") + b"--X--"
    assert code_of(api.generic(method, "/usual", body, MULTIPART)) == (405, None)


def test_a_disk_that_is_full_is_no_fault_of_the_client(api, monkeypatch):
    def parse(*args):
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr("rest_framework.parsers.MultiPartParser.parse", parse)
    api.raise_request_exception = False
    assert post(api, part("a", b"1") + b"--X--", MULTIPART).status_code == 500


def test_an_upload_handler_of_the_project_gets_the_whole_stream(api, settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.reads_the_form"]
    settings.FILE_UPLOAD_HANDLERS = [f"{__name__}.Asking"]
    assert post(api, part("a", b"1") + b"--X--", MULTIPART).json() == {"a": "1"}
    assert Asking.asked == ["POST"]


class Asking(FileUploadHandler):
    asked: list[str] = []

    def handle_raw_input(self, input_data, *args, **kwargs):
        self.asked.append(input_data.method)

    def receive_data_chunk(self, raw_data, start):
        return raw_data

    def file_complete(self, file_size):
        return None
