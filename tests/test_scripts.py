"""Letters that look like others: tables of words, and of the scripts behind them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_guard.core.flaws import FlawError
from api_guard.core.formats import PlainText
from api_guard.core.scripts import find_lookalike
from api_guard.core.text import find_markup


@pytest.mark.parametrize(
    "word",
    [
        "",
        "paypal",
        "naïve_café-42",
        "Straße",
        "кот",
        "Ελλάδα",
        "עברית",
        "ملعب",
        "ملـعب",
        "日本語テスト",
        "スーパー",
        "々",
        "한글abc",
        "ㄅㄆ漢字",
        "हिन्दी४२",
        "ไทย",
        "e\u0301",
        "𝅘𝅥𝅮 ☃ 👩\u200d👧",
    ],
)
def test_a_word_of_one_script_passes(word):
    assert find_lookalike(unicodedata.normalize("NFC", word)) is None


@pytest.mark.parametrize(
    ("word", "code", "position"),
    [
        ("pаypal", "mixed_scripts", 1),
        ("раypal", "mixed_scripts", 2),
        ("αbc", "mixed_scripts", 1),
        ("abcԁ", "mixed_scripts", 3),
        ("한글テスト", "mixed_scripts", 2),
        ("admin١2", "mixed_scripts", 6),
        ("ｐａｙ", "lookalike", 0),
        ("a𝐛c", "lookalike", 1),
        ("ﬁre", "lookalike", 0),
        ("x²", "lookalike", 1),
        ("①", "lookalike", 0),
        ("µ", "lookalike", 0),
    ],
)
def test_a_word_of_several_scripts_or_styles_is_refused_at_its_place(word, code, position):
    flaw = find_lookalike(word)
    assert (flaw.code, flaw.position) == (code, position)
    assert f"U+{ord(word[position]):04X} at position {position}" in flaw.message


@pytest.mark.parametrize(
    "sample", ["Latin a", "Greek α", "Cyrillic а", "Armenian ա", "Hebrew א", "Cherokee Ꭰ", "Lisu ꓐ"]
)
def test_no_two_scripts_may_stand_together(sample):
    letter = sample[-1]
    for other in "aαаաאᎠꓐ":
        mixed = find_lookalike(letter + other)
        assert (mixed is None) == (letter == other)


@given(st.text(st.characters(codec="ascii")))
def test_ascii_is_of_one_script(text):
    assert find_lookalike(text) is None


@pytest.mark.parametrize(
    ("text", "position"),
    [("a<b", 1), ("<!-- ", 0), ("x </p", 2), ("<?xml", 0), ("5 < 6 <i", 6)],
)
def test_markup_begins_where_a_parser_sees_it(text, position):
    assert find_markup(text).position == position
    with pytest.raises(FlawError) as caught:
        PlainText(20, allow_markup=False).clean(text)
    assert caught.value.flaw.code == "markup"


@pytest.mark.parametrize(
    "text", ["a < b", "<3", "Fish & Chips <3", "a > b", "&lt;b&gt;", "<", "<<"]
)
def test_a_sign_is_no_markup(text):
    assert PlainText(20, allow_markup=False).clean(text) == text
