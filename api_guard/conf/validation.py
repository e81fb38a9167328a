"""Settings of input: the HTML engine, and the size of its input."""

from __future__ import annotations

from typing import Literal

from api_guard.conf.values import Rule, is_count, read

MAX_TAGS = 1000
Engine = Literal["nh3", "bleach"]


def sanitizer() -> Engine:
    """The HTML engine of RichTextField."""
    return "bleach" if read("SANITIZER") == "bleach" else "nh3"


def max_tags() -> int:
    """The number of start tags that rich text may have."""
    value = read("MAX_TAGS")
    return value if is_count(value) and value > 0 else MAX_TAGS


RULES: dict[str, Rule] = {
    "MAX_TAGS": (
        lambda value: is_count(value) and value > 0,
        "must be a whole number of start tags",
        str(MAX_TAGS),
    ),
    "SANITIZER": (lambda value: value in ("nh3", "bleach"), "must be 'nh3' or 'bleach'", '"nh3"'),
}
