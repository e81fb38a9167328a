"""Limits markup before an engine reads it, because engines take quadratic time or more."""

from __future__ import annotations

import re

from api_guard.core.names import words

MAX_TAGS = 1000
MAX_DEPTH = 32
# Each later block opens unclosed formatting again. So the size of the tree depends on the sum of
# the open formatting at each tag, not on the number of tags.
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
# Only comments and tags that every parser reads the same way. Other markup is broken.
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
    # A "</p>" without a start tag makes a new element.
    bound("too_many_tags", ends, 2 * max_tags, "end tags")
    # In the output, each "&" and ">" becomes a reference, except the ">" that ends a tag.
    references = html.count("&") + max(html.count(">") - html.count("<"), 0)
    bound("too_many_references", references, MAX_REFERENCES, "signs such as & and >")
    open_tags: list[str] = []
    formatting = total = 0
    # After broken ("?") or opaque markup, an end tag may be text, so it closes nothing here.
    certain = True
    for markup in _MARKUP.finditer(html):
        name = "?" if markup["broken"] else (markup["name"] or "").lower()
        # A broken tag may extend to the end of the markup. MAX_DEPTH limits their number.
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
