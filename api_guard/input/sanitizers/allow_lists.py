"""The tags, attributes and values that sanitizing keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import unescape
from weakref import WeakSet

from api_guard.core.names import words
from api_guard.exceptions import GuardError
from api_guard.input.sanitizers import frames, styles

MAX_URL_LENGTH = 2000
# Elements without a script, a form or a parser mode. Only two others may be allowed, and these are
# rewritten: a checkbox that nobody can tick, and a frame in a sandbox.
PLAIN_TAGS = words(
    "a abbr b bdi blockquote br caption cite code col colgroup dd del dfn div dl dt em figcaption"
    " figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp section small span"
    " strong sub sup table tbody td tfoot th thead time tr u ul var wbr"
)
SAFE_TAGS = PLAIN_TAGS | words("details iframe input label oembed rp rt ruby strike summary")
_UNSAFE_ATTRIBUTE = re.compile(
    r"on.*|style|rel|is|srcset|srcdoc|action|formaction|ping|sandbox|allow|.*[^\w-].*"
)
_INPUT_ATTRIBUTES = words("checked disabled type")
_URL_ATTRIBUTES = words("background cite data href longdesc poster src url")
_MADE: WeakSet[AllowList] = WeakSet()
_SCHEME = re.compile(r"([^/?#\\:]*):")
# Browsers drop control characters before they read a scheme. None of them is valid in a URL.
_DROPPED_FROM_URL = re.compile(r"[\x00-\x20\x7f-\xa0\xad\u200b-\u200f\u2028-\u202f\u2060-\u206f]")


@dataclass(frozen=True)
class AllowList:
    """The tags, the attributes of each tag (`"*"` means every tag) and the schemes to keep.

    `values` has a regular expression for an attribute (`"dir"`) or for the attribute of one tag
    (`"ol type"`). Values that do not match completely are dropped. `styles` has an expression for
    each property of `style`. `classes` is an expression for class names. Both are allowed on every
    tag. `frames` are the hosts for an `iframe`. Raises GuardError for unsafe entries.
    """

    tags: frozenset[str]
    attributes: Mapping[str, frozenset[str]]
    schemes: frozenset[str] = words("http https mailto")
    values: Mapping[str, str] = field(default_factory=dict)
    styles: Mapping[str, str] = field(default_factory=dict)
    classes: str = ""
    frames: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        unsafe = (self.tags - SAFE_TAGS) | (self.schemes & {"data", "javascript", "vbscript"})
        for names in self.attributes.values():
            unsafe |= set(filter(_UNSAFE_ATTRIBUTE.fullmatch, names))
        unsafe |= self.attributes.get("input", frozenset()) - _INPUT_ATTRIBUTES
        unsafe |= styles.unsafe_properties(self.styles)
        if unsafe:
            raise GuardError(f"An AllowList must not contain {', '.join(sorted(unsafe))}.")
        if ("iframe" in self.tags) != bool(self.frames):
            raise GuardError(
                "An iframe needs hosts, and hosts need an iframe. Write: AllowList(tags=frozenset("
                '{"iframe", ...}), frames=frozenset({"www.youtube-nocookie.com"}), ...)'
            )
        for pattern in (*self.values.values(), *self.styles.values(), self.classes):
            try:
                re.compile(pattern)
            except re.error as error:
                raise GuardError(f"{pattern!r} is not a regular expression: {error}.") from error
        _MADE.add(self)

    def __hash__(self) -> int:
        return hash((self.tags, self.schemes))

    @cached_property
    def named(self) -> dict[str, set[str]]:
        """The attribute names that each tag may have. `"*"` is for every tag."""
        named = {tag: set(names) for tag, names in self.attributes.items()}
        named["*"] = (
            named.get("*", set())
            | ({"style"} if self.styles else set())
            | ({"class"} if self.classes else set())
        )
        if self.frames:
            named["iframe"] = named.get("iframe", set()) | {"src", "sandbox"}
        if "input" in self.tags:
            named["input"] = set(_INPUT_ATTRIBUTES)
        return named

    def keeps(self, tag: str, name: str, value: str) -> bool:
        """Whether the attribute `name` of `tag` may stay, with all or a part of its `value`."""
        return self.kept(tag, name, value) is not None

    def kept(self, tag: str, name: str, value: str) -> str | None:
        """Return the part of the `value` that may stay, or None to drop the attribute."""
        if not self._is_named(tag, name):
            return None
        if name == "style":
            return styles.kept(value, self.styles) or None
        if name == "class" and self.classes:
            return " ".join(filter(re.compile(self.classes).fullmatch, value.split())) or None
        if tag == "iframe" and name in ("src", "sandbox"):
            return frames.kept(name, value, self.frames)
        pattern = self.values.get(f"{tag} {name}", self.values.get(name))
        if pattern is not None and re.fullmatch(pattern, value) is None:
            return None
        return None if name in _URL_ATTRIBUTES and not self._allows(value) else value

    def is_judged_whole(self, tag: str, name: str) -> bool:
        """Whether the decoded value of this attribute has to be checked."""
        if name in ("style", "class") or tag in ("iframe", "input"):
            return True
        return f"{tag} {name}" in self.values or name in self.values

    def _is_named(self, tag: str, name: str) -> bool:
        return name in self.named.get(tag, ()) or name in self.named["*"]

    def _allows(self, url: str) -> bool:
        # bleach passes the raw value, nh3 the decoded value. Both must be harmless.
        readings = (url, unescape(url[:MAX_URL_LENGTH]))
        found = [_SCHEME.match(_DROPPED_FROM_URL.sub("", reading)) for reading in readings]
        allowed = all(scheme[1].lower() in self.schemes for scheme in found if scheme)
        return allowed and len(url) <= MAX_URL_LENGTH


def made() -> Iterator[AllowList]:
    """Yield all AllowLists of this process."""
    yield from sorted(_MADE, key=lambda each: sorted(each.tags))
