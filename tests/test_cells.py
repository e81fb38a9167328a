"""No cell of a CSV file is a formula."""

from __future__ import annotations

import pytest

from api_guard.core.cells import cell


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("", ""),
        (7, "7"),
        ("notes:read", "notes:read"),
        ("a = b", "a = b"),
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\rx", "'\rx"),
        ("\nx", "'\nx"),
        ("  =1", "'  =1"),
        ("\u00a0=1", "'\u00a0=1"),
        ("＝1", "'＝1"),
        ("＠x", "'＠x"),
        ("|calc", "'|calc"),
        ("%0A", "'%0A"),
    ],
)
def test_what_could_be_a_formula_begins_with_an_apostrophe(value, text):
    assert cell(value) == text
