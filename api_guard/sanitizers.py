"""The HTML engines, nh3 and bleach, behind one function."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING, Any

import bleach
import nh3

from api_guard.exceptions import GuardError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from api_guard.conf import Engine


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MAX_LENGTH = 10_000
MAX_TAGS = 1000
MAX_DEPTH = 32
# Formatting left open is opened anew in every later block, so what an engine builds grows with
# the sum of the depths at which tags stand, not with their number.
MAX_TOTAL_DEPTH = 4000
# bleach compares every attribute of a tag with every other one.
MAX_ATTRIBUTES = 500
MAX_URL_LENGTH = 2000
# What an engine leaves may nest as no parser would read it, so it is read once more.
MAX_PASSES = 5
LINK_REL = "nofollow noopener"
# Elements without a script, a form or a parser mode of their own. Nothing else may be allowed.
SAFE_TAGS = _words(
    "a abbr b bdi blockquote br caption cite code col colgroup dd del dfn div dl dt em figcaption"
    " figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp section small span"
    " strong sub sup table tbody td tfoot th thead time tr u ul var wbr"
)
_VOID = _words("area base br col embed hr img input link meta param source track wbr")
_OPAQUE = _words(
    "? iframe math noembed noframes noscript plaintext script select style svg template textarea"
    " title xmp"
)
_UNSAFE_ATTRIBUTE = re.compile(r"on.*|style|rel|is|srcset|srcdoc|action|formaction|ping|.*[^\w-].*")
_URL_ATTRIBUTES = _words("background cite data href longdesc poster src")
_SCHEME = re.compile(r"([^/?#\\:]*):")
# Browsers drop controls before they read a scheme. None of these belongs into a URL.
_DROPPED_FROM_URL = re.compile(r"[\x00-\x20\x7f-\xa0\xad\u200b-\u200f\u2028-\u202f\u2060-\u206f]")
_SPACE = r"[ \t\n\f\r]"
_VALUE = r"(?:\"[^\"<]*+\"|'[^'<]*+'|[^\s\"'=<>`]++)"
_ATTRIBUTE = rf"{_SPACE}++[^\s\"'<>/=]++(?:{_SPACE}*+={_SPACE}*+{_VALUE})?+"
# Only what every parser reads alike is a comment or a tag here; the rest is broken.
_MARKUP = re.compile(
    r"<!--(?!-?>)[^-]*+(?:-(?!-)[^-]*+)*+-->|<(?:\?|!(?!--|\[CDATA\[))[^<>]*+>"
    r"|<(?P<end>/?)(?P<name>[a-zA-Z][a-zA-Z0-9:._-]*+)"
    rf"(?P<attributes>(?:{_ATTRIBUTE})*+){_SPACE}*+/?>"
    r"|<(?P<broken>[a-zA-Z/!?])"
)
# Parsers drop the newline that follows <pre>, so it has to be written twice.
_PRE_NEWLINE = re.compile(r"(<pre(?: [\w-]+=\"[^\"]*\")*>)\n")


class SanitizeError(ValueError):
    """The markup is refused: `code` is stable, `message` is for whoever wrote the markup."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True)
class AllowList:
    """The tags, each tag's attributes (`"*"` stands for every tag) and the schemes to keep.

    Raises GuardError for a tag, an attribute or a scheme that cannot be made safe.
    """

    tags: frozenset[str]
    attributes: Mapping[str, frozenset[str]]
    schemes: frozenset[str] = _words("http https mailto")

    def __post_init__(self) -> None:
        unsafe = (self.tags - SAFE_TAGS) | (self.schemes & {"data", "javascript", "vbscript"})
        for names in self.attributes.values():
            unsafe |= set(filter(_UNSAFE_ATTRIBUTE.fullmatch, names))
        if unsafe:
            raise GuardError(f"No AllowList may hold {', '.join(sorted(unsafe))}: leave it out.")

    def keeps(self, tag: str, name: str, value: str) -> bool:
        """Whether the attribute `name` of `tag` may stay, with the value `value`."""
        if name not in self.attributes.get(tag, ()) and name not in self.attributes.get("*", ()):
            return False
        return name not in _URL_ATTRIBUTES or _is_url_allowed(value, self.schemes)


_TEXT_ATTRIBUTES = {"a": _words("href title"), "abbr": _words("title")}
_MEDIA_ATTRIBUTES = {"img": _words("alt height src title width")}
_CELL_ATTRIBUTES = dict.fromkeys(("td", "th"), _words("colspan rowspan"))
_INLINE_TAGS = _words("a abbr b br code em i kbd mark s small strong sub sup u")
_COMMENT_TAGS = _INLINE_TAGS | _words("blockquote del ins li ol p pre ul")
INLINE = AllowList(_INLINE_TAGS, _TEXT_ATTRIBUTES)
COMMENT = AllowList(_COMMENT_TAGS, _TEXT_ATTRIBUTES)
ARTICLE = AllowList(SAFE_TAGS, _TEXT_ATTRIBUTES | _MEDIA_ATTRIBUTES | _CELL_ATTRIBUTES)
PRESETS: Mapping[str, AllowList] = {"inline": INLINE, "comment": COMMENT, "article": ARTICLE}


def sanitize(
    html: str, allowed: AllowList, *, engine: Engine = "nh3", max_length: int = MAX_LENGTH
) -> str:
    """Return `html` with only what is `allowed` in it; sanitizing that again changes nothing.

    `max_length` counts characters, before and after. Raises SanitizeError.
    """
    clean = _bleach if engine == "bleach" else _nh3
    _bound("too_long", len(html), max_length, "characters")
    for _ in range(MAX_PASSES):
        _bound_markup(html)
        try:
            cleaned = _PRE_NEWLINE.sub("\\1\n\n", clean(html, allowed))
        except BaseException as error:
            # nh3's panic is no Exception, and its class cannot be imported.
            if isinstance(error, Exception) or type(error).__name__ == "PanicException":
                raise SanitizeError("engine_failed", "The markup cannot be read.") from error
            raise
        _bound("too_long_output", len(cleaned), max_length, "characters once sanitized")
        if cleaned == html:
            return html
        html = cleaned
    raise SanitizeError("unstable", "The markup is nested in a way that cannot be made safe.")


def _bound(code: str, count: int, most: int, unit: str) -> None:
    if count > most:
        raise SanitizeError(code, f"The markup has more than {most} {unit}.")


def _bound_markup(html: str) -> None:
    _bound("too_many_tags", html.count("<"), MAX_TAGS, "tags")
    open_tags: list[str] = []
    total_depth = 0
    # After broken ("?") or opaque markup an end tag may be none, so it closes nothing here.
    certain = True
    for markup in _MARKUP.finditer(html):
        name = "?" if markup["broken"] else (markup["name"] or "").lower()
        # A broken tag may reach to the end, past every later one. MAX_DEPTH bounds their number.
        attributes = html[markup.start() :] if name == "?" else markup["attributes"] or ""
        gaps = len(re.findall(r"[\s/\"']+", attributes))
        _bound("too_many_attributes", gaps, MAX_ATTRIBUTES, "attributes in one tag")
        if markup["end"]:
            if certain and open_tags[-1:] == [name]:
                open_tags.pop()
        elif name and name not in _VOID and (name not in ("li", "p") or open_tags[-1:] != [name]):
            open_tags.append(name)
        certain = certain and name not in _OPAQUE
        total_depth += len(open_tags)
        _bound("too_deep", len(open_tags), MAX_DEPTH, "tags inside one another")
        _bound("too_deep", total_depth, MAX_TOTAL_DEPTH, "levels of tags in all")


def _is_url_allowed(value: str, schemes: frozenset[str]) -> bool:
    # bleach hands over what is written, nh3 what is meant: both readings must be harmless.
    readings = (value, unescape(value[:MAX_URL_LENGTH]))
    found = [_SCHEME.match(_DROPPED_FROM_URL.sub("", reading)) for reading in readings]
    allowed = all(scheme[1].lower() in schemes for scheme in found if scheme)
    return allowed and len(value) <= MAX_URL_LENGTH


def _nh3(html: str, allowed: AllowList) -> str:
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


def _bleach(html: str, allowed: AllowList) -> str:
    # A Cleaner holds a parser with state, so no two threads may share one.
    options = {"tags": allowed.tags, "attributes": allowed.keeps, "protocols": allowed.schemes}
    return str(bleach.Cleaner(**options, strip=True, filters=[_rewritten]).clean(html))


def _rewritten(source: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for token in source:
        if token["type"] in ("StartTag", "EmptyTag"):
            # Around a double quote bleach writes single ones, and escapes anew at every pass.
            quoted = {name: text.replace('"', "&quot;") for name, text in token["data"].items()}
            token["data"] = quoted | ({(None, "rel"): LINK_REL} if token["name"] == "a" else {})
        yield token
