"""What is left of hostile markup, whichever engine cleans it."""

from __future__ import annotations

import copy
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from threading import Barrier
from urllib.parse import urlsplit

import nh3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api_guard.exceptions import GuardError
from api_guard.input.sanitizers import (
    PRESETS,
    AllowList,
    SanitizeError,
    cleaning,
    sanitize,
    text_of,
)
from api_guard.input.sanitizers.frames import SANDBOX
from tests.vectors.xss import VECTORS

ENGINES = ["nh3", "bleach"]
ARTICLE = PRESETS["article"]
both_engines = pytest.mark.parametrize("engine", ENGINES)


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags = []
        self.other = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def _other(self, data):
        self.other.append(data)

    handle_comment = handle_decl = handle_pi = unknown_decl = _other


def read(html):
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader


def scheme_in_a_browser(url):
    """Return what the URL standard finds: controls off the ends, tabs and newlines everywhere."""
    url = re.sub(r"[\t\n\r]", "", url).strip("".join(map(chr, range(0x21))))
    found = re.match(r"([a-zA-Z][a-zA-Z0-9+.-]*):", url)
    return found and found[1].lower()


def assert_nothing_else_is_left(html, allowed):
    reader = read(html)
    assert reader.other == []
    for tag, attributes in reader.tags:
        assert tag in allowed.tags
        if tag == "a":
            assert attributes.pop("rel") == "nofollow noopener"
        assert set(attributes) <= allowed.named.get(tag, set()) | allowed.named["*"]
        for name in {"href", "src", "cite", "url"} & set(attributes):
            assert scheme_in_a_browser(attributes[name]) in {None, *allowed.schemes}
        if tag == "iframe":
            assert attributes["sandbox"] == SANDBOX
            assert urlsplit(attributes["src"]).hostname in allowed.frames
        if tag == "input":
            assert (attributes["type"], attributes["disabled"]) == ("checkbox", "")
        assert not re.search(r"url|expression|[\\@<>*]|position|-\d", attributes.get("style", ""))


@both_engines
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("vector", VECTORS)
def test_nothing_is_left_of_a_vector_but_what_is_allowed(vector, preset, engine):
    for html in (vector, f"a<b>b{vector}</b>", f"<p><a href='{vector}'>{vector}"):
        clean = sanitize(html, PRESETS[preset], engine=engine)
        assert_nothing_else_is_left(clean, PRESETS[preset])
        assert sanitize(clean, PRESETS[preset], engine=engine) == clean


def test_there_are_vectors_enough_and_none_twice():
    assert len(set(VECTORS)) == len(VECTORS) >= 60


@both_engines
@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("", ""),
        ("plain", "plain"),
        ("Tom & Jerry", "Tom &amp; Jerry"),
        ("a &lt;3 b", "a &lt;3 b"),
        ("<b>bold</b> <i>it</i>", "<b>bold</b> <i>it</i>"),
        ("<ul><li>a<li>b</ul>", "<ul><li>a</li><li>b</li></ul>"),
        ("<p lang=en title=x class=y id=z>a</p>", "<p>a</p>"),
        ("<font color=red>a</font>", "a"),
        ("a<!-- secret -->b", "ab"),
        ("<![if !supportLists]>a<![endif]>" * 40, "a" * 40),
        ("<pre>\n\na\n</pre>", "<pre>\n\na\n</pre>"),
        ("<a href='?q=1:2#a:b'>x</a>", '<a href="?q=1:2#a:b" rel="nofollow noopener">x</a>'),
        ("<a href='/a:b'>x</a>", '<a href="/a:b" rel="nofollow noopener">x</a>'),
        ("<a href='mailto:a@b.example'>x</a>", None),
        ("<a href='HTTPS://b.example/?a=1'>x</a>", None),
        ("<a href='ftp://b.example/'>x</a>", '<a rel="nofollow noopener">x</a>'),
        ("<a href='localhost:80'>x</a>", '<a rel="nofollow noopener">x</a>'),
        (f"<a href='/{'x' * 2000}'>x</a>", '<a rel="nofollow noopener">x</a>'),
    ],
)
def test_ordinary_markup_is_kept(html, expected, engine):
    clean = sanitize(html, PRESETS["comment"], engine=engine)
    if expected is None:
        expected = html.replace("'", '"').replace('">x', '" rel="nofollow noopener">x')
    assert clean == expected


@both_engines
def test_quotes_in_an_attribute_keep_their_meaning(engine):
    html = """<a href="x" title='say "a" &amp; &lt;b&gt; &#x27;'>x</a>"""
    ((_, attributes),) = read(sanitize(html, ARTICLE, engine=engine)).tags
    assert attributes["title"] == 'say "a" & <b> \''


@both_engines
def test_an_attribute_may_be_allowed_on_every_tag(engine):
    allowed = AllowList(frozenset({"b"}), {"*": frozenset({"lang"})}, frozenset())
    html = '<b lang="en">x</b>'
    assert sanitize(html, allowed, engine=engine) == html


@pytest.mark.parametrize(
    ("tags", "attributes", "schemes", "named"),
    [
        ({"b", "script"}, {}, set(), "script"),
        ({"svg"}, {}, set(), "svg"),
        ({"a"}, {"a": {"onclick"}}, set(), "onclick"),
        ({"a"}, {"a": {"rel"}}, set(), "rel"),
        ({"a"}, {"a": {"xlink:href"}}, set(), "xlink:href"),
        ({"p"}, {"*": {"style"}}, set(), "style"),
        ({"a"}, {}, {"https", "javascript"}, "javascript"),
    ],
)
def test_what_cannot_be_made_safe_cannot_be_allowed(tags, attributes, schemes, named):
    with pytest.raises(GuardError, match=rf"must not contain {named}"):
        AllowList(frozenset(tags), attributes, frozenset(schemes))


def test_an_allow_list_can_be_copied():
    assert copy.deepcopy(ARTICLE) == ARTICLE


BUILDING = "".join(f"<b id={number}>" for number in range(30))
NAMES = " ".join(f"a{number:x}" for number in range(2000))
HOSTILE = [
    ("18 KB of crossed tags", "<b><i></b></i>" * 1290, "too_long"),
    ("18 KB of three tags", "<b><i><u>" * 2000, "too_long"),
    ("250 KB of div", "<div>" * 50_000, "too_long"),
    ("crossed tags", "<b><i></b></i>" * 250, "too_deep"),
    ("crossed tags, more", "<b><i></b></i>" * 700, "too_many_tags"),
    ("unclosed div", "<div>" * 1000, "too_deep"),
    ("unclosed letters", "<" * 1001, "too_many_tags"),
    ("distinct tags", "".join(f"<p><b id={n}></p>" for n in range(300)), "too_deep"),
    ("ends in comments", "<p><b id=1><!--</b>--></p>" * 200, "too_deep"),
    ("ends in broken comments", "<p><b id=1><!-- -- </b>--></p>" * 60, "too_deep"),
    ("ends in attributes", "<p><b title='</b>'></p>" * 60, "too_deep"),
    ("ends in styles", "<p><b id=1><style></b></style></p>" * 60, "too_deep"),
    ("tags opened anew", f"<p>{BUILDING}</p>{'<p>x</p>' * 400}", "too_deep"),
    ("attributes", f"<p {NAMES}>", "too_many_attributes"),
    ("attributes of a void tag", f"<br {NAMES}>", "too_many_attributes"),
    ("attributes of an end tag", f"</p {NAMES}>", "too_many_attributes"),
    ("attributes of a broken tag", f'<p x="<b>" {NAMES}', "too_many_attributes"),
    ("attributes after svg", f'<svg></svg><p x="<b>" {NAMES}', "too_many_attributes"),
    ("ampersands", "&" * 10_000, "too_long_output"),
]


@both_engines
@pytest.mark.parametrize(
    ("html", "code"), [row[1:] for row in HOSTILE], ids=[r[0] for r in HOSTILE]
)
def test_costly_markup_is_refused_before_it_costs(html, code, engine):
    spent = []
    for _ in range(3):
        start = time.thread_time()
        with pytest.raises(SanitizeError) as caught:
            sanitize(html, ARTICLE, engine=engine)
        spent.append(time.thread_time() - start)
    assert caught.value.code == code
    assert str(caught.value) == caught.value.message
    # The best of three, in this thread's own time: a busy machine says nothing of the code.
    assert min(spent) < (0.1 if sys.gettrace() is None else 0.5)


@both_engines
@pytest.mark.parametrize(
    "html", ["<p>a" * 300, "<ul>" + "<li>a" * 300, "<br>" * 900, "<!--a-->" * 90]
)
def test_wide_markup_is_not_deep(html, engine):
    sanitize(html, ARTICLE, engine=engine)


@both_engines
def test_the_length_is_bounded_before_and_after(engine):
    assert sanitize("a" * 20, ARTICLE, engine=engine, max_length=20) == "a" * 20
    for html, code in [("a" * 21, "too_long"), ("<p>" + "&" * 8, "too_long_output")]:
        with pytest.raises(SanitizeError) as caught:
            sanitize(html, ARTICLE, engine=engine, max_length=20)
        assert caught.value.code == code


@both_engines
@pytest.mark.parametrize(
    ("html", "code"),
    [
        ("&" * 1_000_000, "too_many_references"),
        ("]]>-->" * 160_000, "too_many_references"),
        ("&#x301;" * 140_000, "too_many_references"),
        ("https://a.example/ " * 50_000, "too_many_tags"),
    ],
)
def test_a_large_limit_does_not_make_it_quadratic(html, code, engine):
    start = time.thread_time()
    with pytest.raises(SanitizeError) as caught:
        sanitize(html, ARTICLE, engine=engine, max_length=1_000_000, linkify=True)
    assert caught.value.code == code
    # Reading a megabyte of plain text costs bleach this much.
    assert time.thread_time() - start < 3


class PanicException(BaseException):
    """As pyo3 raises it."""


@pytest.mark.parametrize("error", [PanicException("at lib.rs"), ValueError("no")])
def test_an_engine_that_fails_is_a_refusal(error, monkeypatch):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(nh3, "clean", fail)
    with pytest.raises(SanitizeError) as caught:
        sanitize("<b>", ARTICLE)
    assert caught.value.code == "engine_failed"
    assert caught.value.__cause__ is error


def test_an_interrupt_is_no_failure_of_the_engine(monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(nh3, "clean", interrupt)
    with pytest.raises(KeyboardInterrupt):
        sanitize("<b>", ARTICLE)


def test_markup_that_never_settles_is_refused(monkeypatch):
    monkeypatch.setattr(cleaning, "clean_with_nh3", lambda html, allowed: html + "x")
    with pytest.raises(SanitizeError) as caught:
        sanitize("a", ARTICLE)
    assert caught.value.code == "unstable"


@both_engines
def test_eight_threads_see_only_their_own_text(engine):
    barrier = Barrier(8)

    def work(number):
        barrier.wait()
        html = f'<p><a href="/{number}">{number}</a><script>{number}</script>' * 3
        return {sanitize(html, ARTICLE, engine=engine) for _ in range(40)}

    with ThreadPoolExecutor(8) as pool:
        for number, cleaned in enumerate(pool.map(work, range(8))):
            assert len(cleaned) == 1
            assert set(re.findall(r"\d+", cleaned.pop())) == {str(number)}


OPENED = "b i p a pre ul li table tr td caption h2 div dl dd svg math"
CLOSED = "b i p a pre ul li table td svg math style select template"
PIECES = [
    *(
        "<h1>",
        "</h1>",
        "<details open>",
        "<summary>",
        "<input type=checkbox>",
        "<form>",
        "<option>",
    ),
    *(
        "<iframe src=//www.youtube.com/x>",
        "</iframe>",
        "<p style='color:red;top:0'>",
        "<br>",
        "</div>",
    ),
    *(f"<{tag}>" for tag in OPENED.split()),
    *(f"</{tag}>" for tag in CLOSED.split()),
    *("<style>", "<select>", "<template>", "<button>", "<mtext>", "<noscript>", "<title>"),
    *("<!--", "-->", "<![CDATA[", "]]>", "<a href='java\tscript:1' title='a>b<'>", "<b id=1>"),
    *(
        "<img src=x onerror=y>",
        "\n",
        "\r",
        "x",
        " ",
        "&",
        "&lt;",
        "&#x3c;",
        "<",
        ">",
        "'",
        '"',
        "=",
    ),
]


@both_engines
@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=14).map("".join))
def test_sanitizing_twice_changes_nothing(engine, html):
    for allowed in PRESETS.values():
        try:
            clean = sanitize(html, allowed, engine=engine)
        except SanitizeError:
            # Some nests of tables never settle; they are refused rather than let through.
            continue
        assert_nothing_else_is_left(clean, allowed)
        assert sanitize(clean, allowed, engine=engine) == clean


@both_engines
@pytest.mark.parametrize(
    ("html", "linked"),
    [
        ("see https://a.example/?b=1&c=2.", "https://a.example/?b=1&amp;c=2"),
        ("(HTTP://a.example/b)", "HTTP://a.example/b"),
        ("<b>https://a.example</b>", "https://a.example"),
        ("<i>https://a.example</i>", "https://a.example"),
    ],
)
def test_addresses_in_text_become_links(html, linked, engine):
    clean = sanitize(html, ARTICLE, engine=engine, linkify=True)
    assert f'<a href="{linked}" rel="nofollow noopener">{linked}</a>' in clean


@both_engines
@pytest.mark.parametrize(
    "html",
    [
        "example.com a@b.example www.a.example",
        "javascript:alert(1) ftp://a.example",
        "<code>https://a.example</code><pre>https://a.example</pre>",
        "x@https://a.example",
        "https:// http:///x",
        "&lt;script&gt; &amp; &quot;",
    ],
)
def test_nothing_else_becomes_a_link(html, engine):
    assert "<a" not in sanitize(html, ARTICLE, engine=engine, linkify=True)


@both_engines
def test_a_link_that_is_there_is_left(engine):
    html = '<a href="/x" rel="nofollow noopener">https://a.example</a>'
    assert sanitize(html, ARTICLE, engine=engine, linkify=True) == html


ADDRESSES = ["https://a.example/", "http://b.c", "https://a.example/?x=<b>", " ", ".", ")", "("]


@both_engines
@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PIECES + ADDRESSES), max_size=10).map("".join))
def test_linking_twice_changes_nothing(engine, html):
    try:
        clean = sanitize(html, ARTICLE, engine=engine, linkify=True)
    except SanitizeError:
        return
    assert_nothing_else_is_left(clean, ARTICLE)
    assert sanitize(clean, ARTICLE, engine=engine, linkify=True) == clean


@both_engines
@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("a &amp; b &lt;c&gt;", "a & b <c>"),
        ("<p>a<p>b", "a\n\nb"),
        ("a<br>b", "a\nb"),
        ("<h1>a</h1><p>b <b>c</b></p>", "a\n\nb c"),
        ("<ul><li>a<li>b</ul>c", "- a\n- b\nc"),
        ("<a href='https://a.example/?b=1&c=2'>d</a>", "d (https://a.example/?b=1&c=2)"),
        ("<a href='https://a.example'>https://a.example</a>", "https://a.example"),
        ("<a>b</a>", "b"),
        ("a <img src=x alt='a cat'><img src=y>", "a a cat"),
        ("<table><tr><td>a<td>b<tr><td>c</table>", "a b\n\nc"),
        ("<p>a</p><script>alert(1)</script>", "a"),
    ],
)
def test_rich_text_has_a_text(html, text, engine):
    clean = sanitize(html, ARTICLE, engine=engine)
    assert text_of(clean).replace("alert(1)", "").strip() == text


def test_the_text_of_what_was_never_cleaned_is_only_text():
    assert text_of("<script>alert(1)") == "alert(1)"
    assert text_of("<b onclick='x'>a") == "<b onclick='x'>a"
