"""Cleans markup repeatedly, until it does not change."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from api_guard.input.sanitizers.bounds import (
    MAX_TAGS,
    SanitizeError,
    bound,
    bound_addresses,
    bound_markup,
)
from api_guard.input.sanitizers.engines import add_links, clean_with_bleach, clean_with_nh3
from api_guard.input.sanitizers.finishing import finished, with_dropped_blocks, with_spaces

if TYPE_CHECKING:
    from api_guard.conf import Engine
    from api_guard.input.sanitizers.allow_lists import AllowList

MAX_LENGTH = 10_000
# The nesting of the output may be invalid for a parser, so the output is cleaned again.
MAX_PASSES = 5
# Parsers drop the newline that follows <pre>, so it has to be written twice.
_PRE_NEWLINE = re.compile(r"(<pre(?: [\w-]+=\"[^\"]*\")*>)\n")
_UNSTABLE = "The nesting of the markup cannot be made safe."


def sanitize(
    html: str,
    allowed: AllowList,
    *,
    engine: Engine = "nh3",
    max_length: int = MAX_LENGTH,
    linkify: bool = False,
    max_tags: int = MAX_TAGS,
) -> str:
    """Return `html` with only `allowed` markup. Sanitizing the result again changes nothing.

    `max_length` counts characters before and after, `max_tags` counts start tags. `linkify` turns
    addresses in the text into links. A line break replaces a removed block. Raises SanitizeError.
    """
    clean = clean_with_bleach if engine == "bleach" else clean_with_nh3

    def cleaned(html: str) -> str:
        bound_markup(html, max_tags)
        html = with_spaces(html, allowed)
        left = clean(html, with_dropped_blocks(html, allowed))
        return _PRE_NEWLINE.sub("\\1\n\n", finished(left, allowed))

    bound("too_long", len(html), max_length, "characters")
    html = _settled(html, cleaned, max_length)
    if not linkify:
        return html
    bound_addresses(html, max_tags)
    return _settled(html, lambda html: _settled(add_links(html), cleaned, max_length), max_length)


def _settled(html: str, change: Callable[[str], str], max_length: int) -> str:
    for _ in range(MAX_PASSES):
        changed = _answer(change, html)
        bound("too_long_output", len(changed), max_length, "characters once sanitized")
        if changed == html:
            return html
        html = changed
    raise SanitizeError("unstable", _UNSTABLE)


def _answer(change: Callable[[str], str], html: str) -> str:
    try:
        return change(html)
    except SanitizeError:
        raise
    except BaseException as error:
        # nh3's panic is not an Exception, and its class cannot be imported.
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise SanitizeError("engine_failed", "The markup cannot be read.") from error
        raise
