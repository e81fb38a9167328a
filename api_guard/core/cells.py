"""Text for a cell of a CSV file that a spreadsheet does not take for a formula."""

from __future__ import annotations

# Spreadsheets also take the full-width forms, and look behind white space.
_FORMULAS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "|", "%")
_SPACES = ("\t", "\r", "\n")


def cell(value: object) -> str:
    """Return the text of a value; before what could be a formula stands an apostrophe."""
    text = "" if value is None else str(value)
    is_formula = text.lstrip().startswith(_FORMULAS) or text.startswith(_SPACES)
    return f"'{text}" if is_formula else text
