"""The two engines, nh3 and bleach, each with the settings that are ours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import bleach
import nh3
from bleach.linkifier import Linker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from api_guard.sanitizers.allow_lists import AllowList

LINK_REL = "nofollow noopener"
# bleach's own expression also links bare names, and is quadratic on parentheses and hyphens.
_ADDRESS = re.compile(r"(?<![\w@.])https?://[^\W_][^\s<>\"'`]{1,1990}", re.IGNORECASE)
# An address in there is quoted, not meant.
_UNLINKED = ("code", "kbd", "pre", "samp")


def clean_with_nh3(html: str, allowed: AllowList) -> str:
    """Return what nh3 leaves of `html`."""
    return nh3.clean(
        html,
        tags=set(allowed.tags),
        clean_content_tags={"script", "style"},
        # Without "*", nh3 would allow lang and title on every tag. The only rel is its own.
        attributes={"*": set()} | {tag: set(names) for tag, names in allowed.attributes.items()},
        attribute_filter=lambda *had: had[2] if had[1] == "rel" or allowed.keeps(*had) else None,
        link_rel=LINK_REL,
        url_schemes=set(allowed.schemes),
    )


def clean_with_bleach(html: str, allowed: AllowList) -> str:
    """Return what bleach leaves of `html`."""
    # A Cleaner holds a parser with state, so no two threads may share one.
    options = {"tags": allowed.tags, "attributes": allowed.keeps, "protocols": allowed.schemes}
    return str(bleach.Cleaner(**options, strip=True, filters=[_rewritten]).clean(html))


def add_links(html: str) -> str:
    """Return clean `html` with links around the addresses in its text; clean it again."""
    return str(Linker(callbacks=[], skip_tags=_UNLINKED, url_re=_ADDRESS).linkify(html))


def _rewritten(source: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for token in source:
        if token["type"] in ("StartTag", "EmptyTag"):
            # Around a double quote bleach writes single ones, and escapes anew at every pass.
            quoted = {name: text.replace('"', "&quot;") for name, text in token["data"].items()}
            token["data"] = quoted | ({(None, "rel"): LINK_REL} if token["name"] == "a" else {})
        yield token
