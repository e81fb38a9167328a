"""What plain text may hold: tables of characters, and properties of whatever was let through."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_guard.core.text import _CHARACTERS, MAX_COMBINING_RUN, find_flaw, normalize

LINE = {"newlines": False, "max_length": 1000, "max_bytes": 4000}
LINES = {**LINE, "newlines": True}


def code(text, **limits):
    flaw = find_flaw(text, **{**LINE, **limits})
    return flaw and flaw.code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "Fish & Chips <3",
        "name <user@x.com>",
        "if x<y then",
        "Tom & Jerry",
        "'; DROP TABLE users; --",
        "Zażółć gęślą jaźń",
        "日本語",
        "שָׁלוֹם",
        "عربي\u200f",
        "می\u200cخواهم",
        "क्\u200dष",
        "👩\u200d👩\u200d👧\u200d👦 ❤\ufe0f 🏳\ufe0f\u200d🌈 🇫🇷",
        "no\u00a0break",
        "private \ue000 use",
        "葛\U000e0100",
        "e" + "\u0301" * MAX_COMBINING_RUN,
        ("e" + "\u0301" * MAX_COMBINING_RUN) * 3,
    ],
)
def test_ordinary_text_has_no_flaw(text):
    assert find_flaw(text, **LINE) is None


@pytest.mark.parametrize(
    ("char", "expected"),
    [
        ("\x00", "null_character"),
        ("\x01", "control_character"),
        ("\x08", "control_character"),
        ("\x0b", "control_character"),
        ("\x0c", "control_character"),
        ("\x1b", "control_character"),
        ("\x1f", "control_character"),
        ("\x7f", "control_character"),
        ("\x80", "control_character"),
        ("\x85", "control_character"),
        ("\x9f", "control_character"),
        ("\ud800", "surrogate"),
        (chr(0xDFFF), "surrogate"),
        ("\u202a", "bidi_control"),
        ("\u202e", "bidi_control"),
        ("\u2066", "bidi_control"),
        ("\u2069", "bidi_control"),
        ("\u00ad", "invisible_character"),
        ("\u180e", "invisible_character"),
        ("\u200b", "invisible_character"),
        ("\u2060", "invisible_character"),
        ("\u2064", "invisible_character"),
        ("\u206a", "invisible_character"),
        ("\u115f", "invisible_character"),
        ("\u1160", "invisible_character"),
        ("\u3164", "invisible_character"),
        ("\uffa0", "invisible_character"),
        ("\ufeff", "invisible_character"),
        ("\ufff9", "invisible_character"),
        ("\U000e0000", "invisible_character"),
        ("\U000e0041", "invisible_character"),
        ("\U000e007f", "invisible_character"),
        ("\U000e0fff", "invisible_character"),
        ("\u2065", "invisible_character"),
        ("\ufff8", "invisible_character"),
        ("\U0001fffe", "unassigned_character"),
        ("\ufdd0", "unassigned_character"),
        ("\uffff", "unassigned_character"),
        ("\U0010ffff", "unassigned_character"),
    ],
)
@pytest.mark.parametrize("limits", [LINE, LINES])
def test_a_refused_character_is_named_with_its_position(char, expected, limits):
    flaw = find_flaw(f"ab{char}c{char}", **limits)
    assert (flaw.code, flaw.position) == (expected, 2)
    assert f"U+{ord(char):04X} at position 2" in flaw.message
    assert char not in flaw.message


@pytest.mark.parametrize("char", ["\t", "\n", "\r", "\u2028", "\u2029"])
def test_a_line_break_passes_only_where_newlines_are_wanted(char):
    assert code(f"a{char}b") == "control_character"
    assert code(f"a{char}b", newlines=True) is None


@pytest.mark.parametrize("mark", ["\u0301", "\u0e47", "\u20dd", "\ufe0f", "\u200d", "\u200c"])
def test_a_run_of_marks_is_bounded(mark):
    flaw = find_flaw("e" + mark * 50, **LINE)
    assert (flaw.code, flaw.position) == ("combining_run", MAX_COMBINING_RUN + 1)
    assert f"U+{ord(mark):04X}" in flaw.message


@pytest.mark.parametrize(
    ("text", "limits", "expected"),
    [
        ("a" * 10, {"max_length": 10}, None),
        ("a" * 11, {"max_length": 10}, "max_length"),
        ("é" * 10, {"max_length": 10}, None),
        ("é" * 11, {"max_length": 10}, "max_length"),
        ("\x00" * 11, {"max_length": 10}, "max_length"),
        ("a" * 10, {"max_bytes": 10}, None),
        ("a" * 11, {"max_bytes": 10}, "max_bytes"),
        ("é" * 5, {"max_bytes": 10}, None),
        ("é" * 6, {"max_bytes": 10}, "max_bytes"),
        ("\ud800" * 6, {"max_bytes": 1}, "surrogate"),
    ],
)
def test_characters_and_bytes_are_bounded(text, limits, expected):
    assert code(text, **limits) == expected


def test_a_flaw_of_size_has_no_position():
    assert find_flaw("ab", **{**LINE, "max_length": 1}).position is None
    assert find_flaw("ab", **{**LINE, "max_bytes": 1}).position is None


def test_normalizing_joins_what_unicode_joins():
    assert normalize("e\u0301") == "é"


@given(st.text(st.characters(exclude_categories=())), st.booleans())
def test_what_passes_holds_nothing_that_hides(text, newlines):
    flaw = find_flaw(text, **{**LINE, "newlines": newlines})
    if flaw is None:
        assert not set(text) & set("\x00\x1b\u200b\u202e\u2066\ufeff\u00ad")
        assert not any(ord(char) & 0xFFFE == 0xFFFE for char in text)
        text.encode()
        assert newlines or len(text.splitlines()) <= 1
        assert normalize(normalize(text)) == normalize(text)
    else:
        assert flaw.position is None or flaw.position < len(text)


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"])))
def test_printable_ascii_always_passes(text):
    assert find_flaw(text, **LINE) is None


def test_no_refused_character_takes_the_short_way():
    refused = re.findall(f"[{''.join(_CHARACTERS.values())}]", "".join(map(chr, range(0x110000))))
    assert len(refused) > 2000
    assert all(find_flaw(char, **LINE) for char in refused)
