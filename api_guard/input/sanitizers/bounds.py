"""Limits markup before an engine reads it, because engines take quadratic time or more."""

from __future__ import annotations

import re

from api_guard.core.words import words

MAX_TAGS = 1000
MAX_DEPTH = 32
# Formatting left open is opened anew in every later block, so what an engine builds grows with
# the formatting that is open at each tag, all together, and not with the number of tags.
_MAX_OPEN_PER_TAG = 4
_FORMATTING = words("? a b big code em font i nobr s small strike strong tt u")
# For both engines, the time grows with the square of the number of references.
MAX_REFERENCES = 10_000
# bleach compares each attribute of a tag with all others.
MAX_ATTRIBUTES = 500
_VOID = words("area base br col embed hr img input link meta param source track wbr")
_OPAQUE = words(
    "? iframe math noembed noframes noscript plaintext script select style svg template textarea"
    " title xmp"
)
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


class SanitizeError(ValueError):
    """The markup is refused. `code` is stable, `message` is for the author of the markup."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def bound(code: str, count: int, most: int, unit: str) -> None:
    """Raise SanitizeError if there are more than `most`."""
    if count > most:
        raise SanitizeError(code, f"The markup has more than {most} {unit}.")


def bound_markup(html: str, max_tags: int = MAX_TAGS) -> None:
    """Raise SanitizeError if `html` would take an engine too long. Comments count as tags."""
    ends = html.count("</")
    bound("too_many_tags", html.count("<") - ends, max_tags, "tags")
    # An end without a start makes an element of its own where it ends a paragraph.
    bound("too_many_tags", ends, 2 * max_tags, "end tags")
    # Each of these two is one, once it is written out; a ">" for every tag is its end.
    references = html.count("&") + max(html.count(">") - html.count("<"), 0)
    bound("too_many_references", references, MAX_REFERENCES, "signs such as & and >")
    open_tags: list[str] = []
    formatting = total = 0
    # After broken ("?") or opaque markup an end tag may be none, so it closes nothing here.
    certain = True
    for markup in _MARKUP.finditer(html):
        name = "?" if markup["broken"] else (markup["name"] or "").lower()
        # A broken tag may reach to the end, past every later one. MAX_DEPTH bounds their number.
        attributes = html[markup.start() :] if name == "?" else markup["attributes"] or ""
        gaps = len(re.findall(r"[\s/\"']+", attributes))
        bound("too_many_attributes", gaps, MAX_ATTRIBUTES, "attributes in one tag")
        if markup["end"]:
            if certain and open_tags[-1:] == [name]:
                open_tags.pop()
                formatting -= name in _FORMATTING
        elif name and name not in _VOID and (name not in ("li", "p") or open_tags[-1:] != [name]):
            open_tags.append(name)
            formatting += name in _FORMATTING
        certain = certain and name not in _OPAQUE
        total += formatting
        bound("too_deep", len(open_tags), MAX_DEPTH, "tags inside one another")
        bound("too_deep", total, _MAX_OPEN_PER_TAG * max_tags, "levels of formatting in all")


def bound_addresses(html: str, max_tags: int = MAX_TAGS) -> None:
    """Raise SanitizeError if the links around the addresses would be too many tags."""
    bound("too_many_tags", html.count("://"), max_tags, "addresses")
