"""Text of real people goes through as they wrote it, and what only hides does not."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import serializers

from api_guard import forms
from api_guard.core.flaws import FlawError
from api_guard.core.formats import PlainText
from api_guard.core.invisibles import is_blank
from api_guard.exceptions import GuardError
from api_guard.fields import PasswordField, PlainEmailField, PlainSlugField, PlainTextField
from tests.vectors.languages import LANGUAGES
from tests.vectors.people import DISGUISED, NAMES, SLUGS

LINE = PlainTextField(max_length=200)
NAME = PlainTextField(max_length=200, one_script=True)
SLUG = PlainSlugField(max_length=200, allow_unicode=True)


def nfc(text):
    return unicodedata.normalize("NFC", text)


def codes(field, text):
    with pytest.raises(serializers.ValidationError) as caught:
        field.run_validation(text)
    return [error.code for error in caught.value.detail]


def test_there_are_languages_enough():
    assert len({language for language, _, _ in LANGUAGES}) == len(LANGUAGES) >= 88


@pytest.mark.parametrize(("language", "sentence", "name"), LANGUAGES)
def test_a_language_is_written_as_its_people_write_it(language, sentence, name):
    for text in (sentence, name, f"{name}: {sentence}"):
        assert LINE.run_validation(text) == nfc(text)
        assert forms.PlainTextField(max_length=200).clean(text) == nfc(text)
    assert NAME.run_validation(name) == nfc(name)
    slug = re.sub(r"[\s.'’־]+", "-", name)
    assert SLUG.run_validation(slug) == nfc(slug)
    assert forms.PlainSlugField(max_length=200, allow_unicode=True).clean(slug) == nfc(slug)


@pytest.mark.parametrize("text", NAMES)
def test_a_name_or_a_word_of_somebody_passes_as_it_is(text):
    assert LINE.run_validation(text) == nfc(text)
    assert NAME.run_validation(text) == nfc(text)


@pytest.mark.parametrize("text", DISGUISED)
def test_styled_letters_are_text_and_no_name(text):
    assert LINE.run_validation(text) == nfc(text)
    assert codes(NAME, text) == ["lookalike"]


@pytest.mark.parametrize("slug", SLUGS)
def test_a_word_of_one_script_is_a_slug(slug):
    assert SLUG.run_validation(slug) == nfc(slug)


FLAGS = {
    "England": "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "Scotland": "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "Wales": "🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f",
    "Texas": "🏴\U000e0075\U000e0073\U000e0074\U000e0078\U000e007f",
}


@pytest.mark.parametrize(
    "emoji",
    [
        *FLAGS.values(),
        "🇬🇧 🇺🇦",
        "🏳\ufe0f\u200d🌈 🏴\u200d☠\ufe0f 🏳\ufe0f\u200d⚧\ufe0f",
        "👩🏽\u200d❤\ufe0f\u200d💋\u200d👨🏿 👨\u200d👩\u200d👧\u200d👦",
        "1\ufe0f\u20e3 #\ufe0f\u20e3",
        "🧑\u200d🦰 🐻\u200d❄\ufe0f",
        # Of Unicode 16, 15 and 17, and of the block that grows every year: not assigned yet.
        "\U0001fae9",
        "\U0001fae8",
        "\U0001fac8",
        "\U0001fadf",
        "\U0001faff",
        "🙂\u200d↔\ufe0f",
    ],
)
def test_an_emoji_of_whatever_year_passes(emoji):
    assert LINE.run_validation(f"hi {emoji}!") == f"hi {emoji}!"
    assert NAME.run_validation(f"hi {emoji}!") == f"hi {emoji}!"


@pytest.mark.parametrize(
    "tags",
    [
        "\U000e0067",
        "x\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "🏴\U000e0067\U000e0062",
        "🏴\U000e0067\U000e0062\U000e007f",
        "🏴" + "".join(chr(0xE0000 + ord(char)) for char in "ignore what was said") + "\U000e007f",
        FLAGS["Wales"] + "\U000e0067\U000e007f",
        "\U000e0001",
    ],
)
def test_a_text_written_in_tags_is_refused(tags):
    for invisible in ("drop", "keep", "refuse"):
        field = PlainTextField(max_length=100, invisible=invisible)
        assert codes(field, f"hi {tags}") == ["invisible_character"]


@pytest.mark.parametrize(
    ("text", "dropped"),
    [
        ("\ufeffName", "Name"),
        ("Donau\u00addampf\u00adschiff", "Donaudampfschiff"),
        ("100\u2060%", "100%"),
        ("f\u2061(x\u2062y)", "f(xy)"),
        ("pay\u200bpal", "paypal"),
        ("a\u3164b\uffa0c\u115fd\u1160e", "abcde"),
        ("a\u180eb", "ab"),
        ("a\U0001d173b", "ab"),
        ("\ufeff  Name \u200b", "Name"),
        ("<\u00adb>", "<b>"),
        ("e\u2060\u0301", "é"),
    ],
)
def test_what_an_editor_left_over_is_dropped_kept_or_refused(text, dropped):
    assert LINE.run_validation(text) == dropped
    assert forms.PlainTextField(max_length=99).clean(text) == dropped
    assert PlainTextField(max_length=99, invisible="keep").run_validation(text) == nfc(text.strip())
    assert codes(PlainTextField(max_length=99, invisible="refuse"), text) == ["invisible_character"]


def test_what_is_dropped_does_not_count():
    assert PlainTextField(max_length=2).run_validation("a\u00ad\u200b\ufeffb") == "ab"
    assert codes(PlainTextField(max_length=2, invisible="keep"), "a\u00adb") == ["max_length"]
    # A character is named by its place in what was sent.
    with pytest.raises(serializers.ValidationError, match=r"U\+202E at position 3"):
        LINE.run_validation("\ufeffab\u202e")


def test_markup_cannot_hide_behind_what_is_dropped():
    assert codes(PlainTextField(max_length=9, markup="refuse"), "<\u00adb>") == ["markup"]
    assert codes(PlainTextField(max_length=9, markup="refuse"), "<\ufeff/b>") == ["markup"]


@pytest.mark.parametrize(
    "text",
    [
        "ไทย\u200b\u200bไทย",
        "Facebook\u200bของ",
        "ខ្មែរ\u200bABC",
        "ᠬᠠᠷ\u180eᠠ",
        "\u115f\u1160ᆨ",
        "ㅤㄱ".replace("ㅤ", "\u3164"),
        "\U0001d158\U0001d165\U0001d173\U0001d158",
        "می\u200cخواهم",
        "עברית\u200f!",
    ],
)
def test_what_belongs_to_a_script_is_kept_whatever_becomes_of_the_rest(text):
    for invisible in ("drop", "keep", "refuse"):
        assert PlainTextField(max_length=99, invisible=invisible).run_validation(text) == nfc(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \t\u00a0\u3000",
        "\u200e",
        "\u2800",
        "\u2800 \u200b\ufeff",
        "\u00ad",
        "\u3164\u3164",
        "\u200d\u200c",
        "\ufe0f",
        "\U000e0100",
        "\u034f",
        "\u17b4",
        "\U0001d159",
        "\u115f\u1160",
    ],
)
def test_what_is_blank_to_the_eye_is_blank(text):
    for field in (LINE, NAME, PlainTextField(max_length=99, invisible="keep")):
        assert codes(field, text) == ["blank"]
    assert PlainTextField(max_length=99, allow_blank=True).run_validation(text) == ""
    with pytest.raises(forms.text.forms.ValidationError) as caught:
        forms.PlainTextField(max_length=99).clean(text)
    assert caught.value.code == "required"


def test_spaces_are_text_where_they_are_not_trimmed():
    assert PlainTextField(max_length=9, trim_whitespace=False).run_validation(" ") == " "


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("ad\u200dmin", "admin"),
        ("admin\u200e", "admin"),
        ("ad\u200cmin", "admin"),
        ("น้ำ\u200bใจ", "น้ำใจ"),
        ("admin\u3164", "admin"),
    ],
)
def test_a_name_of_one_script_holds_nothing_unseen(name, kept):
    assert NAME.run_validation(name) == kept
    assert PlainSlugField(max_length=50, allow_unicode=True).run_validation(name) == kept


@pytest.mark.parametrize("name", ["ªb", "aªb", "º", "1ºa", "x²", "ｐａｙ", "ſam", "ǆ", "ﬁre", "Ⅷ"])
def test_a_letter_in_disguise_is_still_one(name):
    assert codes(NAME, name) == ["lookalike"]


@pytest.mark.parametrize("slug", ["\u0301a", "a b", "a.b", "a/b", "☃", "a\u2028b"])
def test_what_is_no_slug_is_none(slug):
    assert codes(SLUG, slug) in (["invalid"], ["control_character"])
    for allow_unicode in (True, False):
        with pytest.raises(forms.text.forms.ValidationError):
            forms.PlainSlugField(max_length=20, allow_unicode=allow_unicode).clean(slug)


def test_an_address_may_be_pasted_with_what_stood_around_it():
    assert PlainEmailField().run_validation("\ufeff\u200ba@example.com\u200e") == "a@example.com"


@pytest.mark.parametrize("password", [" e\u0301 ", "é", "\u00ad\ufeff", "\u202e\u200b", "пароль\t"])
def test_a_password_is_kept_as_it_came(password):
    assert PasswordField().run_validation(password) == password
    assert forms.PasswordField().clean(password) == password


def test_a_password_that_cannot_be_hashed_or_costs_too_much_is_refused():
    field = PasswordField()
    assert field.write_only
    assert codes(field, "a\x00") == ["null_character"]
    assert codes(field, "a\ud800") == ["surrogate"]
    assert codes(field, "a" * 1025) == ["max_length"]
    assert codes(field, "") == ["blank"]
    assert codes(field, 5) == ["invalid"]


def test_an_unknown_word_for_what_becomes_of_the_invisible_is_refused():
    with pytest.raises(
        GuardError, match="invisible='strip' is not one of 'drop', 'keep', 'refuse'"
    ):
        PlainTextField(max_length=9, invisible="strip")


@given(st.text(st.characters(exclude_categories=())), st.booleans())
def test_what_is_kept_is_kept_as_it_is_and_seen(text, one_script):
    plain = PlainText(200, one_script=one_script)
    try:
        kept = plain.clean(text)
    except FlawError:
        return
    assert plain.clean(kept) == kept
    assert kept == "" or kept.isspace() or not is_blank(kept)
