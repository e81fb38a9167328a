"""The two engines, nh3 and bleach, with our settings."""

from __future__ import annotations

import re
from html import escape, unescape
from typing import TYPE_CHECKING, Any, Protocol

import bleach
import nh3
from bleach.linkifier import Linker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LINK_REL = "nofollow noopener"
# bleach's own expression also links bare names, and is quadratic for parentheses and hyphens.
_ADDRESS = re.compile(r"(?<![\w@.])https?://[^\W_][^\s<>\"'`]{1,1990}", re.IGNORECASE)
# An address in these tags is a quotation and not a link.
_UNLINKED = ("code", "kbd", "pre", "samp")


class Kept(Protocol):
    """The part of an AllowList that an engine uses."""

    @property
    def tags(self) -> frozenset[str]:
        """The tags that stay."""

    @property
    def schemes(self) -> frozenset[str]:
        """The schemes of URLs that stay."""

    @property
    def named(self) -> dict[str, set[str]]:
        """The attribute names that each tag may have. `"*"` is for every tag."""

    def kept(self, tag: str, name: str, value: str) -> str | None:
        """Return the part of the `value` that may stay, or None to drop the attribute."""

    def is_judged_whole(self, tag: str, name: str) -> bool:
        """Whether the decoded value has to be checked."""


def clean_with_nh3(html: str, allowed: Kept) -> str:
    """Return `html`, cleaned by nh3."""
    return nh3.clean(
        html,
        tags=set(allowed.tags),
        clean_content_tags={"script", "style"},
        # Without "*", nh3 would allow lang and title on every tag. The only rel is its own.
        attributes=allowed.named,
        attribute_filter=lambda *had: had[2] if had[1] == "rel" else allowed.kept(*had),
        link_rel=LINK_REL,
        url_schemes=set(allowed.schemes),
    )


def clean_with_bleach(html: str, allowed: Kept) -> str:
    """Return `html`, cleaned by bleach."""

    def kept(tag: str, name: str, value: str) -> str | None:
        # bleach passes the raw value, not the decoded value.
        if not allowed.is_judged_whole(tag, name):
            return allowed.kept(tag, name, value)
        meant = allowed.kept(tag, name, unescape(value))
        return None if meant is None else escape(meant, quote=False)

    def rewritten(source: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for token in source:
            if token["type"] in ("StartTag", "EmptyTag"):
                # bleach writes single quotes around double quotes, and escapes again at every pass.
                token["data"] = {
                    (space, name): (kept(token["name"], name, text) or "").replace('"', "&quot;")
                    for (space, name), text in token["data"].items()
                } | ({(None, "rel"): LINK_REL} if token["name"] == "a" else {})
            yield token

    # A Cleaner contains a parser with state, so threads must not share one.
    cleaner = bleach.Cleaner(
        tags=allowed.tags,
        attributes=lambda *had: kept(*had) is not None,
        protocols=allowed.schemes,
        strip=True,
        filters=[rewritten],
        css_sanitizer=_Styles(),
    )
    cleaner.serializer.minimize_boolean_attributes = False
    return str(cleaner.clean(html))


class _Styles:
    """Replaces bleach's style parser. The styles are already checked."""

    def sanitize_css(self, style: str) -> str:
        """Return `style`."""
        return style


def add_links(html: str) -> str:
    """Return clean `html` with links around the addresses in its text. It must be cleaned again."""
    return str(Linker(callbacks=[], skip_tags=_UNLINKED, url_re=_ADDRESS).linkify(html))
