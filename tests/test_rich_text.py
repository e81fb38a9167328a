"""Rich text as editors send it: what is dropped leaves its line break, what is kept stays safe."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import serializers

from api_guard import conf
from api_guard.core.names import words
from api_guard.exceptions import GuardError
from api_guard.fields import RichTextField
from api_guard.input.sanitizers import PRESETS, AllowList, SanitizeError, sanitize, text_of
from api_guard.input.sanitizers.frames import SANDBOX

EDITOR = PRESETS["editor"]
both_engines = pytest.mark.parametrize("engine", ["nh3", "bleach"])
BOLD = AllowList(frozenset({"b"}), {})


@both_engines
@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ("<div>Hello</div><div>World</div>", "Hello<br>World"),
        ("Hello<div>World</div>", "Hello<br>World"),
        ("<div>a</div><div><br></div><div>b</div>", "a<br><br>b"),
        ("<div>a<br></div><div>b</div>", "a<br>b"),
        ("<h1>Title</h1>Text", "Title<br>Text"),
        ("Text<h2>Title</h2>", "Text<br>Title"),
        (
            "<table><tbody><tr><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></table>",
            "1 2<br>3 4",
        ),
        ("a<hr>b", "a<br>b"),
        ("<p>a</p><div>b</div><p>c</p>", "<p>a</p>b<p>c</p>"),
        ("<b><div>a</div></b><div>c</div>", "<b>a</b><br>c"),
        ("<div>a</div><b></b><div>c</div>", "a<br><b></b>c"),
        ("<section><article>x</article>y</section>z", "x<br>y<br>z"),
        ("<dl><dt>a<dd>b</dl>", "a<br>b"),
        ("<form><fieldset><legend>a</legend>b</fieldset></form>c", "a<br>b<br>c"),
        ("<details><summary>a</summary>b</details>", "a<br>b"),
        ("<select><option>a<option>b</select>", "a<br>b"),
        ("x<DIV class=q>y</DIV>z", "x<br>y<br>z"),
        ("<div><div><div>a</div></div></div><div>b</div>", "a<br>b"),
        ("<div> </div>a\n<div>b</div>\n", None),
        ("<div></div>", ""),
    ],
)
def test_a_dropped_block_leaves_a_line_break(html, kept, engine):
    clean = sanitize(html, PRESETS["comment"], engine=engine)
    assert kept is None or clean.strip() == kept
    assert sanitize(clean, PRESETS["comment"], engine=engine) == clean


@both_engines
def test_a_list_without_line_breaks_leaves_newlines(engine):
    html = "<div>a</div><div><b>c</b><br>d</div><ul><li>e<li>f</ul>"
    assert sanitize(html, BOLD, engine=engine) == "a\n<b>c</b>\nd\ne\nf"


WORDS = st.sampled_from(["one", "two", "three", "<b>four</b>"])
BLOCKS = st.sampled_from(["div", "h1", "h3", "section", "article", "center", "figure", "form"])


@both_engines
@given(st.lists(st.tuples(BLOCKS, WORDS), min_size=1, max_size=8))
def test_no_two_words_of_different_blocks_are_glued(engine, blocks):
    html = "".join(f"<{block}>{word}</{block}>" for block, word in blocks)
    clean = sanitize(html, PRESETS["inline"], engine=engine)
    assert clean.split("<br>") == [word for _, word in blocks]


def table(rows, columns, cell="x"):
    row = f"<tr>{f'<td>{cell}</td>' * columns}</tr>"
    return f"<table><tbody>{row * rows}</tbody></table>"


@both_engines
@pytest.mark.parametrize("cell", ["x", "<p>x</p>"])
def test_a_table_of_46_rows_and_10_columns_is_none_too_large(cell, engine):
    html = table(46, 10, cell)
    assert sanitize(html, EDITOR, engine=engine, max_length=20_000) == html


@pytest.fixture(params=["nh3", "bleach"])
def engine(request, settings):
    settings.API_GUARD = {**settings.API_GUARD, "SANITIZER": request.param}
    return request.param


def code_of(html, **options):
    with pytest.raises(serializers.ValidationError) as caught:
        RichTextField(max_length=100_000, preset="editor", **options).run_validation(html)
    return caught.value.detail[0].code


def test_the_number_of_start_tags_is_a_setting(engine, settings):
    html = table(90, 10, "y")  # 992 start tags
    field = RichTextField(max_length=100_000, preset="editor")
    assert field.run_validation(html) == html
    assert code_of(table(92, 10)) == "too_many_tags"
    settings.API_GUARD = {**settings.API_GUARD, "MAX_TAGS": 2000}
    assert field.run_validation(table(92, 10)) == table(92, 10)
    assert code_of("</p>" * 4001) == "too_many_tags"
    settings.API_GUARD = {**settings.API_GUARD, "MAX_TAGS": "many"}
    assert conf.max_tags() == 1000
    assert [mistake.name for mistake in conf.mistakes()] == ["MAX_TAGS"]


def test_what_quill_puts_around_an_embed_is_left_out(engine):
    html = '<p>a <span class="ql-formula" data-value="x">\ufeff<span>x</span>\ufeff</span> b</p>'
    assert RichTextField(max_length=500, preset="editor").run_validation(html) == (
        '<p>a <span class="ql-formula" data-value="x"><span>x</span></span> b</p>'
    )


SAME = [
    # CKEditor 5
    '<h2>a</h2><p style="text-align: center">b</p>',
    '<figure class="image image_resized" style="width: 50%"><img src="/x.png" width="600"'
    ' height="400" style="aspect-ratio: 600/400" alt="x"><figcaption>c</figcaption></figure>',
    '<figure class="table"><table style="border: 1px solid hsl(0, 0%, 70%)"><tbody><tr>'
    '<td colspan="2" rowspan="3" style="background-color: #fafafa">x</td></tr></tbody></table>'
    "</figure>",
    '<span class="text-big" style="color: hsl(0, 75%, 60%); font-family: Arial, serif">a</span>',
    '<mark class="marker-yellow">a</mark><span class="mention" data-mention="@joe">@joe</span>',
    '<figure class="media"><oembed url="https://www.youtube.com/watch?v=x"></oembed></figure>',
    '<ol style="list-style-type: lower-latin" start="3" reversed=""><li value="7">a</li></ol>',
    '<p style="margin-left: 40px" dir="rtl" lang="he">א</p>',
    # Quill
    '<p class="ql-align-center ql-indent-2">a</p><ol><li data-list="bullet">b</li></ol>',
    '<span class="ql-mention-denotation-char" data-index="1" data-denotation-char="@">a</span>',
    # Tiptap
    '<ul data-type="taskList"><li data-checked="true" data-type="taskItem"><label>'
    '<input checked="" disabled="" type="checkbox"><span></span></label><div><p>a</p>'
    "</div></li></ul>",
    '<span data-type="mention" data-id="7" data-label="O\'Hara &amp; Co">@x</span>',
    # TinyMCE
    '<table style="border-collapse: collapse; width: 100%" border="1"><colgroup>'
    '<col style="width: 50%"></colgroup><tbody><tr><th scope="col">a</th></tr></tbody></table>',
    '<details class="mce-accordion" open=""><summary>a</summary><p>b</p></details>',
    # Trix, GitHub
    '<figure class="attachment attachment--preview"><img src="/x.png" width="1"></figure>',
    '<figure data-trix-attachment="{&quot;contentType&quot;:&quot;image/png&quot;,'
    '&quot;filesize&quot;:1,&quot;url&quot;:&quot;https://a.example/x.png?a=1&amp;b=2&quot;}"'
    ' data-trix-content-type="image/png"'
    ' data-trix-attributes="{&quot;caption&quot;:&quot;x&quot;}"></figure>',
    '<ul class="contains-task-list"><li class="task-list-item"><input disabled="" type="checkbox">'
    " a</li></ul>",
    '<pre><code class="language-c++">a</code></pre>',
]


@both_engines
@pytest.mark.parametrize("html", SAME)
def test_what_editors_write_is_kept(html, engine):
    def written(text):
        # The order of attributes says nothing.
        return [sorted(re.findall(r"[\w-]+(?:=\"[^\"]*\")?", tag)) for tag in text.split("<")]

    assert written(sanitize(html, EDITOR, engine=engine)) == written(html)


@both_engines
@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ('<p style="position:fixed;top:0">a</p>', "<p>a</p>"),
        (
            '<p style="color:red;background:url(//evil.example)">a</p>',
            '<p style="color: red">a</p>',
        ),
        ('<p style="margin-left:-200px">a</p>', "<p>a</p>"),
        ('<p style="color:re\\64">a</p>', "<p>a</p>"),
        ('<p style="color:r/**/ed;width:calc(1px)">a</p>', "<p>a</p>"),
        ('<p style="color">a</p>', "<p>a</p>"),
        ('<p style="color:red;COLOR: Blue ">a</p>', '<p style="color: Blue">a</p>'),
        ('<p style="font-size:9999px">a</p>', "<p>a</p>"),
        ('<p style="font-family:a\'b">a</p>', "<p>a</p>"),
        (
            '<p class="modal-backdrop ql-align-center ql-tooltip">a</p>',
            '<p class="ql-align-center">a</p>',
        ),
        ('<p class="x">a</p>', "<p>a</p>"),
        ('<p dir="up" lang="a b" id="x" data-hx-get="/x">a</p>', "<p>a</p>"),
        ('<p data-label="&lt;b&gt;" data-id="a&quot;b">a</p>', "<p>a</p>"),
        (
            "<figure data-trix-attachment='{&quot;content&quot;:&quot;&lt;img&gt;&quot;}'>"
            "a</figure>",
            "<figure>a</figure>",
        ),
        (
            "<figure data-trix-attachment='{&quot;url&quot;:&quot;javascript:x&quot;}'>a</figure>",
            "<figure>a</figure>",
        ),
        ('<input type="text" value="x"><input>', ""),
        (
            '<input type="CheckBox" checked onclick=x>',
            '<input checked="" disabled="" type="checkbox">',
        ),
        ('<iframe src="https://evil.example/"></iframe>a', "a"),
        ('<iframe src="http://www.youtube.com/"></iframe>a', "a"),
        ('<iframe src="https://www.youtube.com:8080/"></iframe>a', "a"),
        ('<iframe src="https://www.youtube.com@evil.example/"></iframe>a', "a"),
        ('<iframe srcdoc="x"></iframe></iframe>a', "a"),
        ("<iframe>", ""),
        (
            '<iframe width="560" height="315" src="//www.youtube.com/embed/x?a=1&amp;b=2"'
            ' allow="camera" sandbox="allow-top-navigation"><b>x</b></iframe>a',
            f'<iframe height="315" sandbox="{SANDBOX}"'
            ' src="https://www.youtube.com/embed/x?a=1&amp;b=2" width="560"></iframe>a',
        ),
        ('<oembed url="javascript:x"></oembed>', "<oembed></oembed>"),
        (
            '<a href="tel:+4912" target="_top">a</a>',
            '<a href="tel:+4912" rel="nofollow noopener">a</a>',
        ),
        ('<img src="/x" width="99999" height="1e3">', '<img src="/x">'),
    ],
)
def test_what_no_editor_needs_is_not_kept(html, kept, engine):
    assert sanitize(html, EDITOR, engine=engine) == kept


def test_a_class_without_a_pattern_is_kept_as_it_was_asked_for():
    allowed = AllowList(frozenset({"p"}), {"p": frozenset({"class"})})
    assert sanitize('<p class="a b">x</p>', allowed) == '<p class="a b">x</p>'


@both_engines
def test_a_list_of_ones_own_extends_the_preset(engine):
    span = EDITOR.attributes["*"] | {"data-user"}
    own = dataclasses.replace(
        EDITOR,
        attributes={**EDITOR.attributes, "*": span},
        frames=frozenset({"player.example.com"}),
    )
    html = '<iframe src="https://player.example.com/1"></iframe><span data-user="7">a</span>'
    clean = sanitize(html, own, engine=engine)
    assert 'src="https://player.example.com/1"' in clean
    assert '<span data-user="7">a</span>' in clean
    assert sanitize('<iframe src="https://www.youtube.com/x"></iframe>', own, engine=engine) == ""


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"styles": {"position": "fixed"}}, "must not contain position"),
        ({"styles": {"background-image": ".*"}}, "must not contain background-image"),
        ({"tags": {"iframe"}}, "An iframe needs hosts"),
        ({"frames": {"a.example"}}, "An iframe needs hosts"),
        ({"tags": {"input"}, "attributes": {"input": {"value"}}}, "must not contain value"),
        ({"classes": "("}, "is not a regular expression"),
        ({"values": {"dir": "["}}, "is not a regular expression"),
        ({"attributes": {"p": {"sandbox"}}}, "must not contain sandbox"),
    ],
)
def test_what_cannot_be_made_safe_is_an_error_at_import(options, named):
    lists = {"tags": frozenset({"b"}), "attributes": {}} | options
    with pytest.raises(GuardError, match=named):
        AllowList(**lists)


@both_engines
def test_even_a_loose_expression_lets_no_url_through(engine):
    loose = AllowList(frozenset({"p"}), {}, styles={"color": ".*", "width": ".*"})
    for value in ("url(x)", "expression(alert(1))", "re\\64", "a/*b*/", "-1px", "'a", "@import"):
        html = f'<p style="color: {value}; width: {value}">a</p>'
        assert sanitize(html, loose, engine=engine) == "<p>a</p>"


@both_engines
def test_links_can_be_made_beside_frames_and_boxes(engine):
    html = "<input type=checkbox checked> https://a.example <details open>b</details>"
    clean = sanitize(html, EDITOR, engine=engine, linkify=True)
    assert 'checked="" disabled="" type="checkbox"' in clean
    assert '<a href="https://a.example" rel="nofollow noopener">' in clean
    assert text_of(clean) == "https://a.example\nb"


@both_engines
@given(st.lists(st.sampled_from([*SAME, "<div>", "</p>", "<table>", "<iframe>", "x"]), max_size=5))
def test_what_is_kept_is_kept_as_it_is(engine, pieces):
    try:
        clean = sanitize("".join(pieces), EDITOR, engine=engine)
    except SanitizeError:
        return
    assert sanitize(clean, EDITOR, engine=engine) == clean


DROPPED = sorted(
    words(
        "address article aside blockquote button caption center dd details dialog dir div dl dt"
        " fieldset figcaption figure footer form h1 h2 h6 header hgroup iframe legend li listing"
        " main marquee menu nav ol optgroup option p pre rp rt search section select summary tbody"
        " td textarea tfoot th thead tr ul xmp"
    )
)


@pytest.mark.parametrize("engine", ["nh3", "bleach"])
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("tag", DROPPED)
def test_no_dropped_element_joins_words(tag, preset, engine):
    for html in (
        f"one<{tag}>two</{tag}>three",
        f'one<{tag.upper()} id="a">two</{tag.upper()} >three',
        f"<b>one</b><{tag}><b>two</b></{tag}><b>three</b>",
    ):
        left = sanitize(html, PRESETS[preset], engine=engine)
        assert not re.search("onetwo|twothree|onethree", re.sub("</?b>", "", left)), left
        assert sanitize(left, PRESETS[preset], engine=engine) == left


@pytest.mark.parametrize("engine", ["nh3", "bleach"])
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(
    "html",
    [
        "<div>one</div><div>two</div>three",
        "one<div><br></div>two<hr>three",
        "<table><tr><td>one</td><td>two</td></tr><tr><td>three</td></tr></table>",
        "<table><caption>one</caption><tbody><tr><th>two<td>three</table>",
        "<td>one</td><td>two</td><tr><td>three",
        "<h1>one</h1>two<h2>three</h2>",
        "<ul><li>one<ul><li>two</ul><li>three</ul>",
        "<dl><dt>one</dt><dd>two</dd><dt>three</dl>",
        "<figure>one<figcaption>two</figcaption></figure>three",
        "<blockquote>one<blockquote>two</blockquote>three</blockquote>",
        "<select><option>one<option>two</select>three",
        "<ruby>one<rt>two</rt></ruby>three",
        "<p>one<p>two<p>three",
        "one<textarea>two</textarea>three<xmp>four</xmp>",
    ],
)
def test_what_people_paste_keeps_its_words_apart(html, preset, engine):
    left = sanitize(html, PRESETS[preset], engine=engine)
    assert not re.search("onetwo|twothree|onethree", left)


@pytest.mark.parametrize("engine", ["nh3", "bleach"])
@pytest.mark.parametrize(
    "html",
    [
        "<p><ruby>漢字<rp>(</rp><rt>かんじ</rt><rp>)</rp></ruby>を読む</p>",
        "<p><s>a</s> <strike>b</strike> <del>c</del></p>",
        '<div class="trix-content">a</div>',
        '<p><span style="color: oklch(0.7 0.1 200)">a</span></p>',
        '<p><span style="background-color: oklab(40.1% 0.11 0.04 / 0.5)">a</span></p>',
        '<p><span style="font-variant: small-caps">a</span></p>',
    ],
)
def test_the_editor_preset_keeps_it(html, engine):
    assert sanitize(html, PRESETS["editor"], engine=engine) == html


@pytest.mark.parametrize("engine", ["nh3", "bleach"])
@pytest.mark.parametrize(
    ("html", "left"),
    [
        ('<bdo dir="rtl">a</bdo>', "a"),
        ("<big>a</big>", "a"),
        ('<font color="red">a</font>', "a"),
        ("<ruby><rb>a</rb></ruby>", "<ruby>a</ruby>"),
        ('<span style="color: oklch(url(x))">a</span>', "<span>a</span>"),
        ('<span style="color: oklch(0.7 0.1 calc(1px))">a</span>', "<span>a</span>"),
        ('<span style="font-variant: x">a</span>', "<span>a</span>"),
        ('<div class="trix-content-x">a</div>', "<div>a</div>"),
    ],
)
def test_the_editor_preset_keeps_only_the_text(html, left, engine):
    cleaned = sanitize(html, PRESETS["editor"], engine=engine)
    assert re.sub(' (?:style|class)=""', "", cleaned) == left


@pytest.mark.parametrize("engine", ["nh3", "bleach"])
def test_the_editor_preset_drops_the_address_of_a_text_message(engine):
    cleaned = sanitize('<a href="sms:+1">a</a>', PRESETS["editor"], engine=engine)
    assert "sms" not in cleaned
    assert ">a</a>" in cleaned
