"""Whatever the headers of a request or of a part of a form say, the answer is no 500."""

from __future__ import annotations

import pytest

from api_guard import wsgi
from api_guard.wsgi import is_readable

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.hostile.urls")]
TITLE = 'Content-Disposition: form-data; name="title"'
FILE = f"{TITLE}; filename=a"
PARTS = [
    "Content-Disposition: form-data; name=title",
    f'{TITLE}; filename="a\x00b"',
    "Content-Disposition: form-data; name*=utf-8''ti%00tle",
    "Content-Disposition: form-data; name*=bogus''x",
    f"{TITLE}; filename*=utf-8''%ff%fe",
    f"{TITLE}; filename*=idna''..%ff",
    "Content-Disposition: form-data",
    "Content-Disposition: attachment; name=title",
    "Content-Disposition:",
    f"{TITLE}\r\nContent-Transfer-Encoding: base64",
    f"{TITLE}\r\nContent-Transfer-Encoding: quoted-printable",
    f"{FILE}\r\nContent-Transfer-Encoding: base64",
    f"{TITLE}\r\nContent-Type: text/plain; charset=idna",
    f"{FILE}\r\nContent-Type: text/plain; charset=bogus",
    f"{FILE}\r\nContent-Type: x*=bogus''%80",
    f"{FILE}\r\nContent-Length: -5",
    f"{FILE}\r\nContent-Length: {'9' * 5000}",
    f'Content-Disposition: form-data; name="{"t" * 9000}"',
    f'{TITLE}; filename="{"f" * 5000}.png"',
    f'{TITLE}; filename=".."',
    f'{TITLE}; filename="&#0;.png"',
    'Content-Disposition: form-data; name="_charset_"',
    "X: y\r\n" * 2000 + TITLE,
    'Content-Disposition: form-data; name="data"',
    'Content-Disposition: form-data; name="parts[0]name"',
    'Content-Disposition: form-data; name="parts[-1]name"',
    f'Content-Disposition: form-data; name="numbers[{"9" * 20}]"',
    'Content-Disposition: form-data; name="\xff"',
]
TYPES = [
    "application/json;charset=utf-8;charset=UTF-7",
    "application/json; charset=",
    'application/json; charset="',
    "application/json; charset='utf-8",
    "application/json; charset=utf_8",
    "application/json; charset=unicode_escape",
    "application/json; charset=rot13",
    "application/json; charset=hex",
    "application/json; charset=../../x",
    'application/json; a="b;c\\"',
    "application/json; =x",
    "application/json" + ";a=b" * 2000,
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary=" + "a" * 300,
    'multipart/form-data; boundary="a b"',
    "multipart/form-data;boundary=X;boundary=Y",
    "multipart/mixed; boundary=X",
    "application/json, text/html",
    "*/*",
    "/",
    "application/",
    "application/x-www-form-urlencoded; charset=latin1",
    "application/json; charset=utf-8 ; charset=utf-8-sig",
]


def post(client, path, content_type, body):
    client.raise_request_exception = False
    return client.generic("POST", path, body, content_type=content_type).status_code


@pytest.mark.parametrize("end", [b"\r\n--X--\r\n", b"\r\n--X", b""])
@pytest.mark.parametrize("part", PARTS, ids=lambda part: part[-40:])
def test_the_headers_of_a_part_break_nothing(client, part, end):
    for content in (b"a", b"a\x00b", b"\xff\xfe", b"[[[["):
        body = b"--X\r\n" + part.encode("latin-1") + b"\r\n\r\n" + content + end
        for path in ("/guarded/got/", "/guarded/echo/"):
            status = post(client, path, "multipart/form-data; boundary=X", body)
            assert status in (200, 400)
            assert status == 400 or end.endswith(b"--X--\r\n")


@pytest.mark.parametrize("content_type", TYPES, ids=lambda each: each[-40:])
def test_a_content_type_breaks_nothing(client, content_type):
    if not is_readable(content_type):
        # Django would raise. Our application answers 400 before it.
        answers = []
        application = wsgi.Application(lambda *args: pytest.fail("called"))
        application({"CONTENT_TYPE": content_type}, lambda status, headers: answers.append(status))
        assert answers == ["400 Bad Request"]
        return
    for body in (b'{"title": "a"}', b"title=a", b"--X--\r\n"):
        assert post(client, "/guarded/got/?a=b", content_type, body) in (200, 400, 415)
