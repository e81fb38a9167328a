"""The fields in a serializer, as a client meets them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import serializers

from api_guard.exceptions import GuardError
from api_guard.fields import (
    PlainEmailField,
    PlainSlugField,
    PlainTextField,
    RichTextField,
    SafeURLField,
)
from api_guard.input.sanitizers import AllowList

BOLD = AllowList(frozenset({"b"}), {})


def refused(field, data):
    with pytest.raises(serializers.ValidationError) as caught:
        field.run_validation(data)
    return [(error.code, str(error)) for error in caught.value.detail]


def codes(field, data):
    return [code for code, _ in refused(field, data)]


@pytest.mark.parametrize(
    "text",
    [
        "Fish & Chips <3",
        "name <user@x.com>",
        "if x<y then",
        "Tom & Jerry",
        "<script>alert(1)</script>",
        "&lt;b&gt; \\ %3Cb%3E '\"",
        "می\u200cخواهم 👩\u200d👧 ❤\ufe0f",
    ],
)
def test_plain_text_comes_out_as_it_went_in(text):
    assert PlainTextField(max_length=100).run_validation(text) == text


def test_plain_text_is_trimmed_and_composed():
    assert PlainTextField(max_length=10).run_validation("  e\u0301 \n") == "é"
    assert PlainTextField(max_length=10, trim_whitespace=False).run_validation(" a ") == " a "


@pytest.mark.parametrize("field", [PlainTextField(max_length=10), RichTextField(max_length=10)])
@pytest.mark.parametrize("data", [1, 1.5, True, ["a"], {"a": 1}, b"a"])
def test_only_text_is_text(field, data):
    assert codes(field, data) == ["invalid"]


def test_a_number_too_long_to_write_out_is_refused_all_the_same():
    assert codes(PlainTextField(max_length=10), 10**5000) == ["invalid"]


@pytest.mark.parametrize("field_class", [PlainTextField, RichTextField])
def test_a_flaw_is_named_with_its_position(field_class):
    field = field_class(max_length=20)
    assert refused(field, "abc\u202edef") == [
        (
            "bidi_control",
            "U+202E at position 3 is a character that reorders the text around it.",
        )
    ]
    assert codes(field, "a\x00") == ["null_character"]
    assert codes(field, "a\ud800") == ["surrogate"]
    assert codes(field, "a" * 21) == ["max_length"]


def test_newlines_pass_only_where_they_are_wanted():
    assert codes(PlainTextField(max_length=9), "a\nb") == ["control_character"]
    assert PlainTextField(max_length=9, newlines=True).run_validation("a\n\tb") == "a\n\tb"
    assert RichTextField(max_length=9).run_validation("a\nb") == "a\nb"


def test_bytes_are_bounded_by_four_to_a_character_or_as_told():
    assert PlainTextField(max_length=2).run_validation("😀😀") == "😀😀"
    assert codes(PlainTextField(max_length=2, max_bytes=7), "😀😀") == ["max_bytes"]


def test_text_that_composing_makes_longer_is_measured_again():
    # U+0958 has no composed form, so NFC writes it as two characters.
    assert codes(PlainTextField(max_length=2), "\u0958\u0958") == ["max_length"]


@pytest.mark.parametrize("field_class", [PlainTextField, RichTextField])
def test_a_field_without_a_length_says_what_to_write(field_class):
    name = field_class.__name__
    with pytest.raises(GuardError, match=rf"Write: {name}\(max_length="):
        field_class()


def test_an_unknown_preset_is_refused_with_the_near_one():
    with pytest.raises(GuardError, match="Did you mean 'comment'"):
        RichTextField(max_length=9, preset="coment")
    with pytest.raises(GuardError, match="'inline', 'comment', 'article'"):
        RichTextField(max_length=9, preset="zzz")


def test_links_that_would_not_be_kept_cannot_be_asked_for():
    with pytest.raises(GuardError, match="linkify=True makes links"):
        RichTextField(max_length=9, allowed=BOLD, linkify=True)


def test_a_slug_is_of_ascii_or_of_one_script():
    assert PlainSlugField(max_length=9).run_validation("a-B_1") == "a-B_1"
    assert PlainSlugField(max_length=9, allow_unicode=True).run_validation("кот") == "кот"
    assert codes(PlainSlugField(max_length=9, allow_unicode=True), "кoт") == ["mixed_scripts"]
    assert codes(PlainSlugField(max_length=9), "кот") == ["invalid"]
    assert codes(PlainSlugField(max_length=9), 5) == ["invalid"]


def test_an_email_address_has_one_form_and_one_code_of_drf():
    assert PlainEmailField().run_validation("a@EXAMPLE.com") == "a@example.com"
    assert codes(PlainEmailField(), "a") == ["invalid"]
    assert codes(PlainEmailField(max_length=5), "a@example.com") == ["max_length"]


def test_a_url_has_one_form():
    field = SafeURLField(schemes=["https"], public_only=True)
    assert field.run_validation("https://EXAMPLE.com/A") == "https://example.com/A"
    assert codes(field, "http://example.com/") == ["scheme"]
    assert codes(field, "https://10.0.0.1/") == ["not_public"]
    assert codes(SafeURLField(max_length=20), "https://example.com/abc") == ["max_length"]
    assert SafeURLField().run_validation("http://localhost:8000/") == "http://localhost:8000/"


@pytest.fixture(params=["nh3", "bleach"])
def engine(request, settings):
    settings.API_GUARD = {**getattr(settings, "API_GUARD", {}), "SANITIZER": request.param}
    return request.param


@pytest.mark.parametrize(
    ("options", "html", "expected"),
    [
        ({}, "<p onclick=x>a<img src=x></p>", "<p>a</p>"),
        ({"preset": "inline"}, "<b>a</b><li>", "<b>a</b>"),
        ({"preset": "article"}, "<h2>a</h2>", "<h2>a</h2>"),
        ({"allowed": BOLD}, "<b>a</b><i>b</i>", "<b>a</b>b"),
        ({}, "e&#x301; <b>&amp;</b>", None),
    ],
)
def test_rich_text_is_sanitized(engine, options, html, expected):
    clean = RichTextField(max_length=100, **options).run_validation(html)
    assert expected is None or clean.strip() == expected
    assert "onclick" not in clean


def test_the_engine_is_the_one_in_the_settings(engine):
    # The engines write a numeric reference differently.
    written = RichTextField(max_length=100).run_validation("&#233;")
    assert written == {"nh3": "é", "bleach": "&#233;"}[engine]


def test_a_mark_that_an_engine_writes_out_cannot_join_a_tag(engine):
    field = RichTextField(max_length=100)
    if engine == "nh3":
        # Decoded, the mark would join the ">" in NFC, so the text is sanitized once more.
        assert codes(field, "<b>&#x338;a</b>") == ["blank"]
        assert field.run_validation("x<b>e&#x301;</b>") == "x<b>é</b>"
    else:
        assert field.run_validation("<b>&#x338;a</b>") == "<b>&#x338;a</b>"


@pytest.mark.parametrize("reference", ["&#x202e;", "&#8238;", "&#xE0041;", "&#x2066;"])
def test_a_character_cannot_hide_in_a_reference(engine, reference):
    field = RichTextField(max_length=100)
    assert codes(field, f"a{reference}b")[0] in {"bidi_control", "invisible_character"}


@pytest.mark.parametrize(
    "left_over",
    ["\ufeff", "\u00ad", "&#x200b;", "&ZeroWidthSpace;", "&shy;", "&#65279;", "&NoBreak;"],
)
def test_what_an_editor_left_over_is_left_out_of_markup(engine, left_over):
    field = RichTextField(max_length=100)
    assert field.run_validation(f"<p>a{left_over}b</p>") == "<p>ab</p>"
    assert field.run_validation(f"<{left_over}script>alert(1)</script>b") in {"b", "alert(1)b"}
    assert "javascript" not in field.run_validation(f'<a href="java{left_over}script:x">b</a>')
    assert field.run_validation("<p>ไทย&#8203;ไทย</p>") == "<p>ไทย\u200bไทย</p>"


def test_a_reference_with_too_many_digits_is_refused_or_harmless(engine):
    field = RichTextField(max_length=10_000)
    data = f"a&#{'1' * 5000};"
    if engine == "bleach":
        assert codes(field, data) == ["invalid"]
    else:
        assert field.run_validation(data) == "a\ufffd"


def test_a_refusal_of_the_sanitizer_keeps_its_code(engine):
    assert codes(RichTextField(max_length=1000), "<b>" * 40) == ["too_deep"]
    assert codes(RichTextField(max_length=10), "&&&&&&&&") == ["too_long_output"]


@pytest.mark.parametrize("html", ["", "   ", "<script></script>", "<img>", "<!-- a -->"])
def test_text_that_is_empty_once_sanitized_is_blank(engine, html):
    assert codes(RichTextField(max_length=100), html) == ["blank"]
    assert RichTextField(max_length=100, allow_blank=True).run_validation(html) == ""


def test_what_a_script_leaves_around_the_text_is_trimmed_too(engine):
    field = RichTextField(max_length=100)
    value = field.run_validation("<svg></svg> <b>a</b> <svg></svg>")
    assert value == "<b>a</b>"
    assert field.run_validation(value) == value
    kept = RichTextField(max_length=100, trim_whitespace=False)
    assert kept.run_validation("<svg></svg> a ") == " a "


def test_null_and_absence_are_as_in_any_charfield():
    assert PlainTextField(max_length=9, allow_null=True).run_validation(None) is None
    assert codes(PlainTextField(max_length=9), None) == ["null"]
    assert PlainTextField(max_length=9, default="x").run_validation() == "x"


class NoteSerializer(serializers.Serializer):
    title = PlainTextField(max_length=20)
    body = RichTextField(max_length=200, allowed=BOLD)


def test_the_fields_work_in_a_serializer_which_copies_them():
    serializer = NoteSerializer(data={"title": "Tom & Jerry", "body": "<b>x</b><i>y</i>"})
    assert serializer.is_valid(), serializer.errors
    assert serializer.validated_data == {"title": "Tom & Jerry", "body": "<b>x</b>y"}
    assert NoteSerializer(data={"title": "a\u202e", "body": "x"}).is_valid() is False


@given(st.text(max_size=30))
def test_what_plain_text_lets_through_it_lets_through_again(text):
    field = PlainTextField(max_length=30, newlines=True, allow_blank=True)
    try:
        value = field.run_validation(text)
    except serializers.ValidationError:
        return
    assert field.run_validation(value) == value
