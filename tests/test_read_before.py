"""A form that a middleware has read is answered as one that only the parser reads."""

from __future__ import annotations

import io
import json
from contextlib import suppress

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.test import override_settings
from django.urls import path
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import PUBLIC, asgi, guard, wsgi
from tests.models import Note

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=X"


@guard(
    read=PUBLIC, write=PUBLIC, limits={"bytes": 3000, "upload": 9000, "text": 500, "items": 1500}
)
class Take(APIView):
    def post(self, request):
        files = {name: file.read().decode() for name, file in request.FILES.items()}
        return Response({**{name: request.data[name] for name in request.data}, **files})


@guard(read=PUBLIC, write=PUBLIC, limits={"upload": 9_000_000, "items": 90_000})
class TakeMuch(Take):
    pass


urlpatterns = [path("take", Take.as_view()), path("wide", TakeMuch.as_view())]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


def reading(read, *, may_raise=False):
    def factory(get_response):
        def middleware(request):
            if may_raise:
                read(request)
            with suppress(Exception):
                read(request)
            return get_response(request)

        return middleware

    return factory


reads_the_form = reading(lambda request: request.POST)
reads_the_files = reading(lambda request: request.FILES)
reads_the_body = reading(lambda request: (request.body, request.POST))
reads_twice = reading(lambda request: (request.POST, request.FILES, request.POST))
reads_in_latin_1 = reading(
    lambda request: (setattr(request, "encoding", "latin-1"), request.POST.get("a"))
)
breaks_on_a_form = reading(lambda request: request.POST, may_raise=True)


def part(head='name="a"', value=b"1", more=""):
    return f"--X\r\nContent-Disposition: form-data; {head}{more}\r\n\r\n".encode() + value + b"\r\n"


FILE = 'name="f"; filename="f"'
BASE64 = "\r\nContent-Transfer-Encoding: base64"
END = b"--X--\r\n"
GOOD = {
    "parameters": (part() + END, "multipart/form-data; charset=UTF-8; boundary=X; a=b"),
    "a field": (part() + END, MULTIPART),
    "a file": (part(FILE) + END, MULTIPART),
    "a field and a file": (part() + part(FILE) + END, MULTIPART),
    "text of the longest": (part(value=b"1" * 500) + END, MULTIPART),
    "a preamble": (b"hello\r\n" + part() + END, MULTIPART),
    "an epilogue": (part() + END + b"bye", MULTIPART),
    "a quoted boundary": (part() + END, 'multipart/form-data; boundary="X"'),
    "a form": (b"a=1&b=%C3%A9", FORM),
    "nothing": (END, MULTIPART),
    "no name": (part("") + END, MULTIPART),
    "base64": (part(more=BASE64, value=b"MQ==") + END, MULTIPART),
    "a name of a path": (part('name="f"; filename="../../f"') + END, MULTIPART),
    "a name of nothing": (part('name="f"; filename=""') + END, MULTIPART),
}
BAD = {
    "a null": (part(value=b"a\0b") + END, MULTIPART),
    "a null in a name": (part('name="a\0"') + END, MULTIPART),
    "a null in base64": (part(more=BASE64, value=b"AAAA") + END, MULTIPART),
    "a null in RFC 8187": (part("name*=utf-8''a%00") + END, MULTIPART),
    "a null of a form": (b"a=%00", FORM),
    "a raw null of a form": (b"a=\0", FORM),
    "a null in a name of a form": (b"%00=a", FORM),
    "no UTF-8": (part(value=b"\xff\xfe") + END, MULTIPART),
    "no UTF-8 in base64": (part(more=BASE64, value=b"/////w==") + END, MULTIPART),
    "no UTF-8 of a form": (b"a=%FF", FORM),
    "a surrogate": (part(value=b"\xed\xa0\x80") + END, MULTIPART),
    "a surrogate of a form": (b"a=%ED%A0%80", FORM),
    "too long a form of a null": (b"a=\xc0\x80", FORM),
    "no end": (part(), MULTIPART),
    "half an end": (part() + b"--X-", MULTIPART),
    "no end of a file": (part(FILE, b"1" * 900)[:-2], MULTIPART),
    "cut in a header": (part() + b"--X\r\nContent-Dispo", MULTIPART),
    "cut in a boundary": (part()[:-1], MULTIPART),
    "the end of another boundary": (part() + b"--Y--\r\n", MULTIPART),
    "another boundary": (part() + END, "multipart/form-data; boundary=Y"),
    "two boundaries": (part() + END, "multipart/form-data; boundary=X; boundary=Y"),
    "no boundary": (part() + END, "multipart/form-data"),
    "an empty boundary": (part() + END, "multipart/form-data; boundary="),
    "a boundary of a blank": (part() + END, 'multipart/form-data; boundary=" "'),
    "a boundary with a null": (part() + END, "multipart/form-data; boundary=X\0"),
    "long text": (part(value=b"1" * 501) + END, MULTIPART),
    "long text in base64": (part(more=BASE64, value=b"MTEx" * 200) + END, MULTIPART),
    "a long name": (part(f'name="{"a" * 201}"') + END, MULTIPART),
    "a long name of a form": (b"a" * 201 + b"=1", FORM),
    "long text of a form": (b"a=" + b"1" * 501, FORM),
    "many fields of a form": (b"&".join([b"a"] * 1001), FORM),
    "many small parts": (part("", b"") * 160 + part() + b"--X", MULTIPART),
    "a long form": (b"a=1&" * 800, FORM),
    "a long upload": (part(FILE, b"1" * 9000) + END, MULTIPART),
    "another charset": (part() + END, f"{MULTIPART}; charset=latin-1"),
    "another charset of a form": (b"a=%E9", f"{FORM}; charset=latin-1"),
    "nothing at all": (b"\r\n", MULTIPART),
    "only a preamble": (b"hello", MULTIPART),
}
# How Django reads these depends on its version.
ODD = {
    "an upper-case type": (part() + END, "Multipart/Form-Data; charset=UTF-8; boundary=X"),
    "no UTF-8 in a name": (
        b'--X\r\nContent-Disposition: form-data; name="\xff"\r\n\r\n1\r\n' + END,
        MULTIPART,
    ),
    "a boundary of 300": (part() + END, f"multipart/form-data; boundary={'X' * 300}"),
    "bad base64": (part(more=BASE64, value=b"M") + END, MULTIPART),
    "no disposition": (b"--X\r\n\r\n1\r\n" + END, MULTIPART),
    "two dispositions": (
        part(more='\r\nContent-Disposition: form-data; name="b"') + END,
        MULTIPART,
    ),
    "an attachment": (part().replace(b"form-data", b"attachment") + END, MULTIPART),
    "another encoding": (part(more="\r\nContent-Transfer-Encoding: binary") + END, MULTIPART),
    "a form in a form": (
        part(more="\r\nContent-Type: multipart/mixed; boundary=Y") + END,
        MULTIPART,
    ),
    "a boundary in a boundary": (part(value=b"--X--") + END, MULTIPART),
    "lines of LF": (part().replace(b"\r\n", b"\n") + b"--X--\n", MULTIPART),
    "a part of a charset": (
        part(more="\r\nContent-Type: text/plain; charset=utf-7") + END,
        MULTIPART,
    ),
}
MANY = {
    "many fields": (part(value=b"") * 1001 + END, MULTIPART),
    "many files": (part(FILE) * 101 + END, MULTIPART),
    "much text": (part(value=b"1" * 499) * 5300 + END, MULTIPART),
}


def through_wsgi(body, content_type, length, to):
    answers = []
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": to,
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(length),
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "http",
        "wsgi.errors": io.StringIO(),
    }
    response = wsgi.get_wsgi_application()(
        environ, lambda status, headers: answers.append(int(status[:3]))
    )
    content = b"".join(response)
    # A refusal before Django is a plain list.
    getattr(response, "close", lambda: None)()
    return answers[0], content


def through_asgi(body, content_type, length, to):
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": to,
        "query_string": b"",
        "headers": [
            (b"host", b"testserver"),
            (b"content-type", content_type.encode("latin-1")),
            (b"content-length", str(length).encode()),
        ],
    }

    async def ask():
        sent = ApplicationCommunicator(asgi.get_asgi_application(), scope)
        half = len(body) // 2
        await sent.send_input({"type": "http.request", "body": body[:half], "more_body": True})
        await sent.send_input({"type": "http.request", "body": body[half:]})
        start = await sent.receive_output(20)
        answer = await sent.receive_output(20)
        await sent.wait()
        return start["status"], answer["body"]

    return async_to_sync(ask)()


def answer_of(through, body, content_type, length=None, middleware=None, to="/take"):
    from django.conf import settings

    added = [] if middleware is None else [f"{__name__}.{middleware}"]
    with override_settings(MIDDLEWARE=[*settings.MIDDLEWARE, *added]):
        status, content = through(body, content_type, len(body) if length is None else length, to)
    said = json.loads(content) if content.startswith(b"{") else {}
    return status, said.get("code") if status >= 300 else said


both = pytest.mark.parametrize("through", [through_wsgi, through_asgi])
middlewares = pytest.mark.parametrize(
    "middleware", ["reads_the_form", "reads_the_files", "reads_the_body", "reads_twice"]
)


@pytest.mark.any_database
@both
@middlewares
@pytest.mark.parametrize("name", GOOD)
def test_a_good_form_gives_the_same_data(through, middleware, name):
    alone = answer_of(through, *GOOD[name])
    assert alone[0] == 200
    assert answer_of(through, *GOOD[name], middleware=middleware) == alone


@pytest.mark.any_database
@both
@middlewares
@pytest.mark.parametrize("name", BAD)
def test_a_bad_form_is_refused_for_the_same_reason(through, middleware, name):
    alone = answer_of(through, *BAD[name])
    assert alone[0] in (400, 413, 415)
    assert answer_of(through, *BAD[name], middleware=middleware) == alone


@pytest.mark.any_database
@both
@middlewares
@pytest.mark.parametrize("name", GOOD)
def test_a_form_that_is_shorter_than_declared_is_refused(through, middleware, name):
    body, content_type = GOOD[name]
    for length in (len(body) + 1, len(body) + 400):
        alone = answer_of(through, body, content_type, length)
        assert alone == (400, "malformed_body")
        assert answer_of(through, body, content_type, length, middleware) == alone


@pytest.mark.any_database
@both
@pytest.mark.parametrize("name", MANY)
def test_more_than_django_reads_is_refused_for_the_same_reason(through, name):
    alone = answer_of(through, *MANY[name], to="/wide")
    assert alone[0] in (400, 413)
    assert answer_of(through, *MANY[name], to="/wide", middleware="reads_the_form") == alone


@pytest.mark.any_database
@both
@middlewares
@pytest.mark.parametrize("name", ODD)
def test_what_django_makes_of_an_odd_form_stays_the_same(through, middleware, name):
    alone = answer_of(through, *ODD[name])
    read = answer_of(through, *ODD[name], middleware=middleware)
    if alone[0] == 200:
        assert read == alone
    assert alone[0] in (200, 400, 415)
    assert (read[0] == 200) == (alone[0] == 200)
    assert read[0] in (200, 400, 415)


@pytest.mark.any_database
@both
@pytest.mark.parametrize("name", [*GOOD, *BAD])
def test_a_form_that_a_middleware_reads_in_another_charset_is_refused(through, name):
    forms = GOOD | BAD
    assert answer_of(through, *forms[name], middleware="reads_in_latin_1")[0] in (400, 413, 415)


@pytest.mark.any_database
@both
@pytest.mark.parametrize("name", BAD)
def test_a_middleware_that_breaks_on_a_form_breaks_with_a_refusal(through, name):
    assert answer_of(through, *BAD[name], middleware="breaks_on_a_form")[0] in (400, 413, 415)


class NoteSerializer(serializers.ModelSerializer):
    class Meta:
        model = Note
        fields = ["id", "title", "is_public"]


@guard(read=PUBLIC, write=PUBLIC, limits={"bytes": 3000, "upload": 9000, "text": 500})
class Stored(generics.CreateAPIView):
    queryset = Note.objects.all()
    serializer_class = NoteSerializer


urlpatterns.append(path("stored", Stored.as_view()))
STRANGE_TYPES = [
    "multipart/form-data; charset=utf-8; charset=idna; boundary=X",
    f"multipart/form-data; {'a' * 10_001}=1; boundary=X",
    "multipart/form-data; boundary*=utf-8''X",
    "multipart/form-data; boundary*0=X; boundary*1=Y",
    'multipart/form-data; boundary="X',
    "multipart/form-data;;;; boundary=X;",
    "multipart/form-data; boundary=\xe9",
    "multipart/form-data, application/json; boundary=X",
    "multipart/form-data; charset=utf-7; boundary=X",
    "multipart/form-data; charset=punycode; boundary=X",
    "application/x-www-form-urlencoded; charset=unicode_escape",
    "application/x-www-form-urlencoded; charset=base64",
    "application/x-www-form-urlencoded; charset=\0",
    "application/x-www-form-urlencoded\t;\tcharset=utf-16",
    "text/plain",
    "",
    ";",
    "multipart/mixed; boundary=X",
]


def title(value, end=END):
    return part('name="title"', value) + part('name="is_public"', b"maybe") + end


# Under ASGI another thread writes, outside a transaction of the test.
@pytest.mark.django_db(transaction=True)
@both
@pytest.mark.parametrize("middleware", [None, "reads_the_form", "reads_the_body", "reads_twice"])
@pytest.mark.parametrize("content_type", STRANGE_TYPES)
def test_no_strange_type_is_a_fault_where_rows_are_stored(through, middleware, content_type):
    before = Note.objects.count()
    for body in (title(b"a"), title(b"a\0"), title(b"\xff"), title(b"a" * 501, b""), b"title=%00"):
        status, _ = answer_of(through, body, content_type, middleware=middleware, to="/stored")
        assert status in (201, 400, 413, 415), (body[:80], status)
        assert status != 201 or Note.objects.latest("pk").title == "a"
    assert Note.objects.count() <= before + 1


@pytest.mark.django_db(transaction=True)
@both
@middlewares
@pytest.mark.parametrize("name", [*GOOD, *BAD, *ODD])
def test_a_form_that_was_read_before_is_stored_as_one_that_was_not(through, middleware, name):
    body, content_type = (GOOD | BAD | ODD)[name]
    # The field of these forms is `a`; here it is the title.
    body = body.replace(b'name="a"', b'name="title"').replace(b"a=", b"title=")
    alone = answer_of(through, body, content_type, to="/stored")
    stored = list(Note.objects.order_by("pk").values_list("title", flat=True))
    Note.objects.all().delete()
    read = answer_of(through, body, content_type, middleware=middleware, to="/stored")
    assert {alone[0], read[0]} <= {201, 400, 413, 415}
    assert (read[0] == 201) == (alone[0] == 201)
    assert list(Note.objects.order_by("pk").values_list("title", flat=True)) == stored
