"""Settings of what comes in: the HTML engine."""

from __future__ import annotations

from typing import Literal

from api_guard.conf.values import Rule, read

Engine = Literal["nh3", "bleach"]


def sanitizer() -> Engine:
    """The HTML engine of RichTextField."""
    return "bleach" if read("SANITIZER") == "bleach" else "nh3"


RULES: dict[str, Rule] = {
    "SANITIZER": (lambda value: value in ("nh3", "bleach"), "must be 'nh3' or 'bleach'", '"nh3"'),
}
