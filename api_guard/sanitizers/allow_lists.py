"""What may be left of markup: the presets, and lists of one's own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from weakref import WeakSet

from api_guard.core.scopes import did_you_mean
from api_guard.core.words import words
from api_guard.exceptions import GuardError

MAX_URL_LENGTH = 2000
# Elements without a script, a form or a parser mode of their own. Nothing else may be allowed.
SAFE_TAGS = words(
    "a abbr b bdi blockquote br caption cite code col colgroup dd del dfn div dl dt em figcaption"
    " figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp section small span"
    " strong sub sup table tbody td tfoot th thead time tr u ul var wbr"
)
_UNSAFE_ATTRIBUTE = re.compile(r"on.*|style|rel|is|srcset|srcdoc|action|formaction|ping|.*[^\w-].*")
_URL_ATTRIBUTES = words("background cite data href longdesc poster src")
_MADE: WeakSet[AllowList] = WeakSet()
_SCHEME = re.compile(r"([^/?#\\:]*):")
# Browsers drop controls before they read a scheme. None of these belongs into a URL.
_DROPPED_FROM_URL = re.compile(r"[\x00-\x20\x7f-\xa0\xad\u200b-\u200f\u2028-\u202f\u2060-\u206f]")


@dataclass(frozen=True)
class AllowList:
    """The tags, each tag's attributes (`"*"` stands for every tag) and the schemes to keep.

    Raises GuardError for a tag, an attribute or a scheme that cannot be made safe.
    """

    tags: frozenset[str]
    attributes: Mapping[str, frozenset[str]]
    schemes: frozenset[str] = words("http https mailto")

    def __post_init__(self) -> None:
        unsafe = (self.tags - SAFE_TAGS) | (self.schemes & {"data", "javascript", "vbscript"})
        for names in self.attributes.values():
            unsafe |= set(filter(_UNSAFE_ATTRIBUTE.fullmatch, names))
        if unsafe:
            raise GuardError(f"No AllowList may hold {', '.join(sorted(unsafe))}: leave it out.")
        _MADE.add(self)

    def __hash__(self) -> int:
        return hash((self.tags, self.schemes))

    def keeps(self, tag: str, name: str, value: str) -> bool:
        """Whether the attribute `name` of `tag` may stay, with the value `value`."""
        if name not in self.attributes.get(tag, ()) and name not in self.attributes.get("*", ()):
            return False
        return name not in _URL_ATTRIBUTES or _is_url_allowed(value, self.schemes)


_TEXT_ATTRIBUTES = {"a": words("href title"), "abbr": words("title")}
_MEDIA_ATTRIBUTES = {"img": words("alt height src title width")}
_CELL_ATTRIBUTES = dict.fromkeys(("td", "th"), words("colspan rowspan"))
_INLINE_TAGS = words("a abbr b br code em i kbd mark s small strong sub sup u")
_COMMENT_TAGS = _INLINE_TAGS | words("blockquote del ins li ol p pre ul")
INLINE = AllowList(_INLINE_TAGS, _TEXT_ATTRIBUTES)
COMMENT = AllowList(_COMMENT_TAGS, _TEXT_ATTRIBUTES)
ARTICLE = AllowList(SAFE_TAGS, _TEXT_ATTRIBUTES | _MEDIA_ATTRIBUTES | _CELL_ATTRIBUTES)
PRESETS: Mapping[str, AllowList] = {"inline": INLINE, "comment": COMMENT, "article": ARTICLE}


def preset_named(name: str) -> AllowList:
    """Return the preset of this name. Raises GuardError."""
    if name not in PRESETS:
        known = ", ".join(repr(preset) for preset in PRESETS)
        hint = did_you_mean(name, PRESETS)
        raise GuardError(f"No preset is named {name!r}.{hint} The presets: {known}.")
    return PRESETS[name]


def allow_lists() -> Iterator[AllowList]:
    """Yield every AllowList that this process has made, the presets first."""
    yield from PRESETS.values()
    yield from sorted(_MADE - set(PRESETS.values()), key=lambda made: sorted(made.tags))


def _is_url_allowed(value: str, schemes: frozenset[str]) -> bool:
    # bleach hands over what is written, nh3 what is meant: both readings must be harmless.
    readings = (value, unescape(value[:MAX_URL_LENGTH]))
    found = [_SCHEME.match(_DROPPED_FROM_URL.sub("", reading)) for reading in readings]
    allowed = all(scheme[1].lower() in schemes for scheme in found if scheme)
    return allowed and len(value) <= MAX_URL_LENGTH
