"""Converts clean markup to plain text, for search and e-mail."""

from __future__ import annotations

import re
from html import unescape

from api_guard.core.names import words

_TAG = re.compile(r"<(?P<end>/?)(?P<name>[a-z][a-z0-9]*)(?P<attributes>(?: [\w-]+=\"[^\"]*\")*)>")
_HREF = re.compile(r" href=\"([^\"]*)\"")
_ALT = re.compile(r" alt=\"([^\"]*)\"")
_BLOCKS = words(
    "blockquote caption dd details div dl dt figcaption figure h1 h2 h3 h4 h5 h6 hr ol p pre"
    " section summary table tr ul"
)
_LINES = re.compile(r"[ \t]*\n[ \t]*")
_GAPS = re.compile(r"\n{3,}")


def text_of(markup: str) -> str:
    """Return the text of markup that RichTextField has cleaned. It is plain text: escape it.

    Blocks become lines, list items begin with "- ", a link is followed by its address, and an image
    becomes its alternative text.
    """
    parts: list[str] = []
    address: str | None = None
    start = linked_from = 0
    for tag in _TAG.finditer(markup):
        parts.append(unescape(markup[start : tag.start()]))
        start = tag.end()
        name, is_end = tag["name"], bool(tag["end"])
        if name == "br":
            parts.append("\n")
        elif name in _BLOCKS:
            parts.append("\n\n" if name == "p" else "\n")
        elif name == "li":
            parts.append("" if is_end else "\n- ")
        elif name in ("td", "th"):
            parts.append(" " if is_end else "")
        elif name == "img":
            parts.append(_attribute(_ALT, tag["attributes"]) or "")
        elif name == "a" and not is_end:
            address, linked_from = _attribute(_HREF, tag["attributes"]), len(parts)
        elif name == "a" and address and address != "".join(parts[linked_from:]):
            parts.append(f" ({address})")
    parts.append(unescape(markup[start:]))
    return _GAPS.sub("\n\n", _LINES.sub("\n", "".join(parts))).strip()


def _attribute(pattern: re.Pattern[str], attributes: str) -> str | None:
    found = pattern.search(attributes)
    return unescape(found[1]) if found else None
