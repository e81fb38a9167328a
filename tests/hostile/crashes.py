"""The list: each a request that broke a stock view or held it up, or one of its kind."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass, field

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=X"


@dataclass(frozen=True)
class Crash:
    """One request; `path` is below /stock/ or /guarded/. `answers` are those that will do."""

    name: str
    path: str = "things/"
    body: bytes | None = None
    content_type: str = JSON
    method: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    answers: tuple[int, ...] = (400, 413, 414, 415)
    # The databases that take it: SQLite has no sizes of columns, and only PostgreSQL has an opinion
    # on null characters in JSON.
    fits: str = ""
    # Servers refuse the one by themselves; Django's test client cannot send the other.
    only_in_process: bool = False
    only_live: bool = False

    @property
    def verb(self) -> str:
        return self.method or ("GET" if self.body is None else "POST")


def nested(depth: int, opening: str = "[", closing: str = "]", key: str = "data") -> bytes:
    return f'{{"{key}": {opening * depth}1{closing * depth}}}'.encode()


def basic(user: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{user}:x".encode()).decode()}


def part(name: str, value: str) -> str:
    return f'--X\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'


def form(*pairs: tuple[str, str]) -> bytes:
    return ("".join(part(*pair) for pair in pairs) + "--X--\r\n").encode()


def cursor(text: str) -> str:
    return b64encode(text.encode()).decode().replace("=", "%3D").replace("+", "%2B")


def _bodies() -> list[Crash]:
    found = [
        Crash(f"lists nested {depth} deep", "echo/", nested(depth))
        for depth in (500, 990, 5000, 100_000)
    ]
    found += [
        Crash(f"objects nested {depth} deep", "echo/", nested(depth, '{"a":', "}"))
        for depth in (500, 990, 100_000)
    ]
    found += [
        Crash("100,000 lists, never closed", "got/", b'{"data": ' + b"[" * 100_000),
        Crash("lists nested 100,000 deep, in a form", "echo/", b"data=" + b"[" * 100_000, FORM),
        Crash("lists nested 3,000 deep, in a form", "echo/", b"data=" + b"[" * 3000, FORM),
        Crash("lists nested 3,000 deep, multipart", "echo/", form(("data", "[" * 3000)), MULTIPART),
    ]
    found += [
        Crash(f"the body is {body.decode()}", "got/", body)
        for body in (b"null", b"1", b'"tea"', b"[]", b"true")
    ]
    found += [
        Crash("1e400 for an integer", body=b'{"count": 1e400}'),
        Crash("1e400 for a number", body=b'{"weight": 1e400}'),
        Crash("1e400 in a list of integers", body=b'{"numbers": [1e400]}'),
        Crash("1e400 for a key to a row", body=b'{"friends": [1e400]}'),
        Crash("1e400 in JSON", body=b'{"data": {"a": 1e400}}'),
        Crash("1e400 in JSON in a form", "echo/", b"data=1e400", FORM, answers=(200, 400)),
        Crash("1e400 in JSON in a form, stored", body=b"data=1e400", content_type=FORM),
        Crash('"1e400" for a number', "echo/", b'{"weight": "1e400"}', answers=(200, 400)),
        Crash("NaN", body=b'{"weight": NaN}'),
        Crash("a decimal of 1e1000000", body=b'{"price": "1e1000000"}'),
        Crash("a decimal of 1e999999999", body=b'{"price": "1e999999999"}'),
        Crash("a number of 5,000 digits", body=b'{"count": ' + b"9" * 5000 + b"}"),
        Crash("an integer past its column", body=b'{"count": 99999}', fits="sqlite"),
        Crash("an integer past every column", body=b'{"count": 99999999999999999999}'),
        Crash(
            "a duration past its column",
            body=b'{"span": "999999999 00:00:00"}',
            fits="postgresql",
        ),
        Crash("a duration past every duration", body=b'{"span": "P999999999999D"}'),
        Crash("a text past its column", body=b'{"title": "' + b"x" * 60 + b'"}', fits="sqlite"),
        Crash("a lone surrogate", body=b'{"title": "\\ud800"}'),
        Crash("a lone surrogate, echoed", "got/", b'{"title": "\\ud800"}'),
        Crash("a lone surrogate in a key", body=b'{"data": {"\\ud800": 1}}'),
        Crash("a lone surrogate for a choice", body=b'{"kind": "\\ud800"}'),
        Crash("a lone surrogate in JSON", body=b'{"data": "\\ud800"}'),
        Crash("a lone surrogate for a slug", body=b'{"slug": "\\ud800"}'),
        Crash("a null character in JSON", body=b'{"data": "\\u0000"}'),
        Crash("a null character in a key of JSON", body=b'{"data": {"\\u0000": 1}}'),
        Crash(
            "a null character in JSON in a form",
            body=b'data="\\u0000"',
            content_type=FORM,
            fits="sqlite mysql",
        ),
        Crash("a null character in a slug", body=b'{"slug": "\\u0000"}'),
        Crash("a null character in a form", body=b"title=%00", content_type=FORM),
        Crash("a repeated key", "got/", b'{"title": "tea", "title": "cake"}'),
        Crash("a link to http://[", "links/", b'{"title": "a", "parent": "http://["}'),
        Crash(
            "a form index of 5,000 digits",
            body=b"parts[" + b"9" * 5000 + b"]name=a",
            content_type=FORM,
        ),
        Crash(
            "a list index of 5,000 digits",
            body=b"numbers[" + b"9" * 5000 + b"]=1",
            content_type=FORM,
        ),
        Crash(
            "2.4 MB of empty texts for integers", body=b'{"numbers": [' + b'"",' * 799_999 + b'""]}'
        ),
        Crash(
            "900 KB of empty texts for integers", body=b'{"numbers": [' + b'"",' * 299_999 + b'""]}'
        ),
        Crash("100 KB of keys to rows", body=b'{"friends": [' + b"1," * 49_999 + b"1]}"),
        Crash("a body cut off", "got/", b'{"title": "te'),
        Crash(
            "a form of 5,000 fields", "echo/", b"&".join(b"a%d=1" % i for i in range(5000)), FORM
        ),
        Crash(
            "a multipart form of 5,000 fields",
            "echo/",
            form(*((f"a{i}", "1") for i in range(5000))),
            MULTIPART,
        ),
        Crash(
            "a multipart form, not closed",
            "got/",
            b'--X\r\nContent-Disposition: form-data; name="title"\r\n\r\ntea',
            MULTIPART,
        ),
        Crash("a multipart form of 300,000 boundaries", "got/", b"--X\r\n" * 300_000, MULTIPART),
        Crash("text that is not UTF-8", "got/", b'{"title": "\xff"}'),
        Crash("overlong UTF-8 in a form", "got/", b"title=%C0%AF", FORM),
    ]
    return found


def _types() -> list[Crash]:
    long = json.dumps({"title": "x" * 200_000}).encode()
    return [
        Crash("charset=punycode", "got/", long, f"{JSON}; charset=punycode"),
        Crash("charset=utf-7", "got/", b'{"title": "+ADw-script+AD4-"}', f"{JSON}; charset=utf-7"),
        Crash(
            "charset=utf-16", "got/", '{"title": "a"}'.encode("utf-16"), f"{JSON}; charset=utf-16"
        ),
        Crash("charset=idna", "got/", b'{"title": "a"}', f"{JSON}; charset=idna"),
        Crash(
            "charset=idna and a query",
            "got/?a=%ff%fe..b",
            b'{"title": "a"}',
            f"{JSON}; charset=idna",
            only_live=True,
        ),
        Crash(
            "charset=punycode and a query",
            "got/?a=" + "z" * 2500 + "-" + "9" * 1000,
            b'{"title": "a"}',
            f"{JSON}; charset=punycode",
            only_live=True,
        ),
        Crash(
            "charset=undefined",
            "got/?a=b",
            b'{"title": "a"}',
            f"{JSON}; charset=undefined",
            only_live=True,
        ),
        Crash("charset=bz2", "got/", b'{"title": "a"}', f"{JSON}; charset=bz2"),
        Crash("x*=bogus'…", "got/", b'{"title": "a"}', f"{JSON}; x*=bogus''%80", only_live=True),
        Crash("Accept with x*=bogus'…", "found/", headers={"Accept": f"{JSON}; x*=bogus''%80"}),
        Crash(
            "Accept of 2,000 types",
            "found/",
            headers={"Accept": ",".join(["a/b;q=0.1"] * 2000)},
            only_in_process=True,
        ),
        Crash(
            "Accept of 10,001 characters",
            "found/",
            headers={"Accept": "a/b;c=" + "d" * 9995},
            only_in_process=True,
        ),
        Crash("no media type", "got/", b'{"title": "a"}', ";;;"),
        Crash("an unknown media type", "got/", b"title: a", "application/yaml"),
        Crash("multipart without a boundary", "got/", b"--X--", "multipart/form-data"),
    ]


def _lengths() -> list[Crash]:
    chunks = b"7d0\r\n" + b"x" * 2000 + b"\r\n"
    return [
        Crash(
            "a Content-Length of 20 digits",
            "got/",
            b'{"title": "a"}',
            headers={"Content-Length": "9" * 20},
            only_live=True,
        ),
        Crash(
            "a Content-Length of 20 digits, for no view",
            "nowhere/",
            b'{"title": "a"}',
            headers={"Content-Length": "9" * 20},
            answers=(400, 404, 413),
            only_live=True,
        ),
        Crash(
            "a body in chunks without end",
            "got/",
            chunks * 1000,
            headers={"Transfer-Encoding": "chunked"},
            answers=(411,),
            only_live=True,
        ),
        Crash(
            "a body in chunks, for no view",
            "nowhere/",
            chunks * 1000,
            headers={"Transfer-Encoding": "chunked"},
            answers=(404, 411),
            only_live=True,
        ),
        Crash(
            "two charsets",
            "got/?a=%ff%fe..b",
            b'{"title": "a"}',
            f"{JSON}; charset=utf-8; charset=idna",
            only_live=True,
        ),
        Crash(
            "a Content-Type of 10,001 characters",
            "got/",
            b'{"title": "a"}',
            "a" * 10_001,
            # Servers have limits of their own.
            answers=(400, 415, 431),
            only_live=True,
        ),
        Crash(
            "a multipart form with a null character",
            "got/",
            form(("title", "a\x00")),
            MULTIPART,
        ),
        Crash(
            "a file that is not UTF-8, echoed as a text",
            "got/",
            b'--X\r\nContent-Disposition: form-data; name="title"; filename="a.txt"\r\n\r\n'
            b"tea\n\xff\xfe\r\n--X--\r\n",
            MULTIPART,
            answers=(200,),
        ),
        Crash(
            "a moment after the last one in UTC",
            "found/?created=9999-12-31T23:59:59-06:00",
            answers=(200, 400),
        ),
        Crash(
            "a duration past its column, in a filter",
            "found/?span=999999999+00:00:00",
            answers=(200, 400),
        ),
    ]


def _queries() -> list[Crash]:
    found = [
        Crash("limit of 2**63", "things/?limit=9223372036854775808", answers=(200,)),
        Crash("offset of 2**63", "things/?limit=5&offset=9223372036854775808", answers=(404,)),
        Crash("10,000 search terms", "things/?search=" + "+".join(["a"] * 10_000)),
        Crash("1,500 search terms", "things/?search=" + "+".join(["a"] * 1500)),
        Crash("a search that is a pattern", "patterns/?search=(a%2B)%2B$", answers=(200,)),
        Crash("a search that is a broken pattern", "patterns/?search=((", answers=(200,)),
        Crash("a null character in a search", "things/?search=%00"),
        Crash("order by a field of another", "things/?ordering=parent__slug"),
        Crash("a null character in a filter", "found/?title=%00"),
        Crash("a surrogate in a filter", "found/?title=%ED%A0%80"),
        Crash("overlong UTF-8 in a filter", "found/?title=%C0%AF"),
        Crash("text for a number in a filter", "found/?count=tea"),
        Crash("a number past every column", "found/?id=99999999999999999999", answers=(200, 400)),
        Crash(
            "a list of numbers past every column",
            "found/?count=99999999999999999999",
            answers=(200, 400),
        ),
        Crash("text for a UUID", "found/?reference=tea"),
        Crash("text for a date", "found/?created=tea"),
        Crash("text for a decimal", "found/?price=tea"),
        Crash("900 parameters", "found/?" + "&".join(["id=1"] * 900)),
        Crash("a null character in the path", "found/%00/", answers=(404,)),
        Crash("a broken path", "found/%C0%80/", answers=(200, 404)),
        Crash("a key of 5,000 digits", "things/" + "9" * 3000 + "/", answers=(404,)),
        Crash("a null character for a key", "things/%00/", answers=(404,)),
        Crash("a null character for a user", "found/", headers=basic("a\x00b")),
        Crash(
            "a null character in a field",
            "found/",
            headers={"X-Field": "a\x00b"},
            only_in_process=True,
        ),
    ]
    junk = {
        "an invalid date": cursor("p=tea"),
        "a null character": cursor("p=%00"),
        "a position of another view": cursor("p=2026-99-99"),
        "an offset of 2**63": cursor("o=9223372036854775808&p=2026-01-01"),
        "invalid base64": "!!!!",
        "other letters than ASCII": "%C3%A9",
        "an offset of 2,500 digits": cursor("o=" + "9" * 2500),
    }
    return found + [
        Crash(f"a cursor with {name}", f"cursored/?cursor={text}", answers=(400, 404))
        for name, text in junk.items()
    ]


CRASHES = [*_bodies(), *_types(), *_lengths(), *_queries()]
