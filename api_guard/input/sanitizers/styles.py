"""Cleans styles to allowed properties and values."""

from __future__ import annotations

import re
from collections.abc import Mapping

from api_guard.core.names import words

# No property that moves an element, loads a file, or generates text.
SAFE_PROPERTIES = words(
    "aspect-ratio background-color border border-bottom border-bottom-color border-bottom-style"
    " border-bottom-width border-collapse border-color border-left border-left-color"
    " border-left-style border-left-width border-radius border-right border-right-color"
    " border-right-style border-right-width border-spacing border-style border-top"
    " border-top-color border-top-style border-top-width border-width caption-side clear color"
    " direction display float font-family font-size font-style font-variant font-weight height"
    " letter-spacing line-height list-style-type margin margin-bottom margin-left margin-right"
    " margin-top max-height max-width min-height min-width padding padding-bottom padding-left"
    " padding-right padding-top page-break-after page-break-before break-after break-before"
    " table-layout text-align text-decoration text-decoration-color text-decoration-line"
    " text-decoration-style text-indent text-transform vertical-align white-space width"
    " word-break word-spacing"
)
# Every value must match this: no escape, no url(), no comment, no "-1px".
_SAFE_VALUE = re.compile(
    r"(?:[a-z0-9 ,.%#/'_]|(?<=[a-z])-(?=[a-z])"
    r"|(?:rgba?|hsla?|(?:ok)?l(?:ab|ch))\([0-9a-z.,%/ +-]*\))+",
    re.IGNORECASE,
)
_SPACES = re.compile(r"[ \t\r\n\f]+")
# More declarations than an editor writes.
_MOST = 40


def kept(style: str, allowed: Mapping[str, str]) -> str:
    """Return the `allowed` declarations of `style`, normalized."""
    found: dict[str, str] = {}
    for declaration in style.split(";", _MOST)[:_MOST]:
        name, colon, value = declaration.partition(":")
        name = name.strip(" \t\r\n\f").lower()
        value = _SPACES.sub(" ", value).strip(" ").replace('"', "'")
        pattern = allowed.get(name)
        if not colon or pattern is None or not _SAFE_VALUE.fullmatch(value):
            continue
        if value.count("'") % 2 == 0 and re.fullmatch(pattern, value, re.IGNORECASE):
            found.pop(name, None)
            found[name] = value
    return "; ".join(f"{name}: {value}" for name, value in found.items())


def unsafe_properties(allowed: Mapping[str, str]) -> frozenset[str]:
    """Return the properties of `allowed` that are never allowed."""
    return frozenset(allowed) - SAFE_PROPERTIES
