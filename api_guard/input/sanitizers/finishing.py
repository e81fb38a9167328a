"""Adds line breaks for removed blocks, and rewrites frames. The engines cannot do this."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from api_guard.core.names import words
from api_guard.input.sanitizers.allow_lists import AllowList
from api_guard.input.sanitizers.frames import SANDBOX

# Browsers begin a new line for these tags. If an engine removes one, the texts are joined.
BLOCKS = words(
    "address article aside blockquote br caption center dd details dialog dir div dl dt fieldset"
    " figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr legend li listing main"
    " marquee menu nav ol optgroup option p pre search section summary table tbody td"
    " tfoot th thead tr ul"
)
_CELLS = words("td th")
_BLOCK = re.compile(rf"</?({'|'.join(sorted(BLOCKS))})(?![a-z0-9])", re.IGNORECASE)
# A browser shows these apart from the text around them, and no engine may keep them until the end:
# parsers read the content of some of them as text, and ignore a cell outside of a table.
_APART = words("button iframe input rp rt select textarea xmp")
_OUTSIDE_OF_TABLES = words("caption tbody td tfoot th thead tr")
# The output format of both engines.
_TAG = re.compile(r"<(?P<end>/?)(?P<name>[a-z][a-z0-9]*)(?P<attributes>(?: [\w-]+=\"[^\"]*\")*)>")
_ATTRIBUTE = re.compile(r" ([\w-]+)=(\"[^\"]*\")")


@dataclass(frozen=True)
class _WithBlocks:
    """An AllowList and the blocks that stay until line breaks replace them."""

    allowed: AllowList
    blocks: frozenset[str]

    @property
    def tags(self) -> frozenset[str]:
        return self.allowed.tags | self.blocks

    @property
    def schemes(self) -> frozenset[str]:
        return self.allowed.schemes

    @property
    def named(self) -> dict[str, set[str]]:
        return self.allowed.named

    def kept(self, tag: str, name: str, value: str) -> str | None:
        return None if tag in self.blocks else self.allowed.kept(tag, name, value)

    def is_judged_whole(self, tag: str, name: str) -> bool:
        return self.allowed.is_judged_whole(tag, name)


def with_dropped_blocks(html: str, allowed: AllowList) -> AllowList | _WithBlocks:
    """Return `allowed` together with the blocks in `html` that it does not contain."""
    found = frozenset(block[1].lower() for block in _BLOCK.finditer(html)) - allowed.tags
    return _WithBlocks(allowed, found) if found else allowed


def with_spaces(html: str, allowed: AllowList) -> str:
    """Return `html` with spaces around elements that will be removed and are no blocks."""
    dropped = _APART - allowed.tags
    if "<table" not in html.lower():
        dropped |= _OUTSIDE_OF_TABLES
    names = "|".join(sorted(dropped))
    tag = rf"</?(?:{names})(?![a-z0-9-])"
    html = re.sub(rf"(?<=\S)(?={tag})", " ", html, flags=re.IGNORECASE)
    return re.sub(rf"({tag}[^<>]*>)(?=\S)", r"\1 ", html, flags=re.IGNORECASE)


def finished(html: str, allowed: AllowList) -> str:
    """Return the output of an engine, with line breaks instead of blocks that are not allowed.

    A frame without an allowed URL is removed, and an input that is not a checkbox.
    """
    lines = _Lines("<br>" if "br" in allowed.tags else "\n")
    start = 0
    while tag := _TAG.search(html, start):
        lines.text(html[start : tag.start()])
        start = tag.end()
        name, is_end = tag["name"], bool(tag["end"])
        if name == "iframe":
            lines.element(_frame(tag["attributes"]) if not is_end else "")
            # The content is text for a browser, but other parsers may read it as markup.
            start = start if is_end else _after(html, "</iframe>", start)
        elif name == "input":
            lines.element(_checkbox(tag["attributes"]))
        elif name in BLOCKS - allowed.tags:
            lines.leave(name, is_end=is_end)
        elif name in BLOCKS:
            lines.block(tag[0], is_line_break=name == "br")
        elif name == "img":
            lines.text(tag[0])
        else:
            lines.tag(tag[0], is_end=is_end)
    lines.text(html[start:])
    return "".join(lines.parts)


@dataclass
class _Lines:
    """The output so far, the state of its last line, and the pending line break."""

    line_break: str
    parts: list[str] = field(default_factory=list)
    is_begun: bool = False
    pending: str = ""

    def text(self, text: str) -> None:
        """Keep text, or an element that acts like text in a line."""
        self._write(text, shows=bool(text) and not text.isspace())

    def element(self, element: str) -> None:
        """Keep a frame or a checkbox, or leave a space if nothing of it may stay."""
        self.text(element)
        if not element and self.is_begun:
            self.pending = self.pending or " "

    def tag(self, tag: str, *, is_end: bool) -> None:
        """Keep a tag within a line."""
        is_begun = self.is_begun
        self._write(tag, shows=not is_end)
        # Its content may be invisible.
        self.is_begun = is_begun

    def block(self, tag: str, *, is_line_break: bool) -> None:
        """Keep the tag of a block, or a line break."""
        # A block that stays breaks the line itself. A line with only a line break is an empty line,
        # as editors write it.
        self._write(tag, shows=is_line_break)
        self.is_begun, self.pending = False, ""

    def leave(self, name: str, *, is_end: bool) -> None:
        """Leave out the tag of a block."""
        if name == "br":
            self._write(self.line_break, shows=True)
            self.is_begun = False
        elif name in _CELLS:
            self.pending = " " if self.is_begun and not is_end else self.pending
        elif self.is_begun:
            self.is_begun, self.pending = False, self.line_break

    def _write(self, part: str, *, shows: bool) -> None:
        if shows:
            self.parts.append(self.pending)
            self.is_begun, self.pending = True, ""
        self.parts.append(part)


def _frame(attributes: str) -> str:
    found = dict(_ATTRIBUTE.findall(attributes)) | {"sandbox": f'"{SANDBOX}"'}
    written = "".join(f" {name}={value}" for name, value in sorted(found.items()))
    return f"<iframe{written}></iframe>" if "src" in found else ""


def _checkbox(attributes: str) -> str:
    found = dict(_ATTRIBUTE.findall(attributes))
    checked = ' checked=""' if "checked" in found else ""
    is_checkbox = found.get("type", "").lower() == '"checkbox"'
    return f'<input{checked} disabled="" type="checkbox">' if is_checkbox else ""


def _after(html: str, mark: str, start: int) -> int:
    found = html.find(mark, start)
    return len(html) if found < 0 else found + len(mark)
