"""Tests at start-up that an engine works correctly with an AllowList."""

from __future__ import annotations

import re
from html import escape
from importlib.metadata import version
from typing import TYPE_CHECKING

from api_guard.input.sanitizers.bounds import SanitizeError
from api_guard.input.sanitizers.cleaning import sanitize
from api_guard.input.sanitizers.engines import LINK_REL

if TYPE_CHECKING:
    from api_guard.conf import Engine
    from api_guard.input.sanitizers.allow_lists import AllowList

# Earlier versions do not remove a script that is hidden in nested foreign elements.
OLDEST = {"nh3": (0, 3, 8), "bleach": (6, 4)}
_HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)><svg onload=alert(1)>"
    "<a href='java\tscript:alert(1)' onclick=alert(1)>x</a>"
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table>"
    "<p style='position:fixed;background-color:url(x);color:expression(alert(1))'>x</p>"
    "<iframe src='javascript:alert(1)' srcdoc='<script>alert(1)</script>'><script></iframe>"
    "<input type=image src=x onerror=alert(1)><details open ontoggle=alert(1)>x</details>"
)
_RUNS = re.compile(
    r"<(?:script|svg|math|style)|\bon\w+ ?=|<[^>]*(?:java|vb)\s*script:"
    r"|<[^>]*(?:srcdoc|position:|url\(|expression)"
    r"|<iframe(?![^>]* sandbox=)|<input(?![^>]* disabled)",
    re.IGNORECASE,
)


def find_fault(allowed: AllowList, engine: Engine) -> str | None:
    """Return a description of what `engine` does wrong with `allowed`, or None."""
    try:
        hostile = sanitize(_HOSTILE, allowed, engine=engine)
        for tag in sorted(allowed.tags):
            _refuse_loss(tag, allowed, engine)
        link = sanitize('<a href="/x">x</a>', allowed, engine=engine)
    except SanitizeError as error:
        return f"it refuses its own sample: {error.message} {error.__cause__ or ''}".rstrip()
    if _RUNS.search(hostile):
        return "it lets a script through"
    if "a" in allowed.tags and f'rel="{LINK_REL}"' not in link:
        return f"it leaves links without rel={LINK_REL!r}"
    return None


def _refuse_loss(tag: str, allowed: AllowList, engine: Engine) -> None:
    """Sanitize one element with every attribute, because each combination is a setting."""
    names = allowed.attributes.get(tag, frozenset()) | allowed.attributes.get("*", frozenset())
    attributes = "".join(f' {name}="{escape("/x")}"' for name in sorted(names))
    sanitize(f"<{tag}{attributes}>x</{tag}>", allowed, engine=engine)


def is_too_old(engine: Engine) -> bool:
    """Whether the installed `engine` is older than its first safe version."""
    numbers = re.findall(r"\d+", version(engine))
    return tuple(map(int, numbers)) < OLDEST[engine]
