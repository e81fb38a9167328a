"""The presets: allow lists for comments, articles and editors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from api_guard.core.names import did_you_mean, words
from api_guard.exceptions import GuardError
from api_guard.input.sanitizers.allow_lists import PLAIN_TAGS, AllowList, made

_TEXT_ATTRIBUTES = {"a": words("href title"), "abbr": words("title")}
_MEDIA_ATTRIBUTES = {"img": words("alt height src title width")}
_CELL_ATTRIBUTES = dict.fromkeys(("td", "th"), words("colspan rowspan"))
_INLINE_TAGS = words("a abbr b br code em i kbd mark s small strong sub sup u")
_COMMENT_TAGS = _INLINE_TAGS | words("blockquote del ins li ol p pre ul")
INLINE = AllowList(_INLINE_TAGS, _TEXT_ATTRIBUTES)
COMMENT = AllowList(_COMMENT_TAGS, _TEXT_ATTRIBUTES)
ARTICLE = AllowList(PLAIN_TAGS, _TEXT_ATTRIBUTES | _MEDIA_ATTRIBUTES | _CELL_ATTRIBUTES)

_NUMBER = r"[0-9]{1,4}(?:\.[0-9]{1,6})?"
_LENGTH = rf"(?:{_NUMBER}(?:px|pt|pc|cm|mm|in|em|rem|ex|ch|%)?|auto)"
_LENGTHS = rf"{_LENGTH}(?: {_LENGTH}){{0,3}}"
_COLOR = (
    r"(?:#[0-9a-f]{3,8}|(?:rgba?|hsla?|(?:ok)?l(?:ab|ch))\([0-9., %/+deg-]{1,40}\)|[a-z]{3,25})"
)
_BORDER_STYLE = "(?:none|hidden|dotted|dashed|solid|double|groove|ridge|inset|outset)"
_BORDER = rf"(?:(?:{_LENGTH}|{_BORDER_STYLE}|{_COLOR}|thin|medium|thick) ?){{1,3}}"
_BREAK = "auto|always|avoid|page|left|right"
_SIDES = ("top", "right", "bottom", "left")
_SMALL, _COUNT, _START = "[0-9]{1,2}", "[0-9]{1,3}", "-?[0-9]{1,6}"
_SIZE = "[0-9]{1,4}(?:px|%)?"
_LANGUAGE = "[a-zA-Z]{2,8}(?:-[a-zA-Z0-9]{1,8}){0,3}"
_KEYWORD = "[a-z]{3,12}(?:-[a-z]{3,12}){0,2}"
_FONTS = r"[a-z0-9 ,'_-]{1,200}"
_FONT_SIZE = (
    r"[0-9]{1,2}(?:\.[0-9]{1,6})?(?:px|pt)|[0-9](?:\.[0-9]{1,6})?r?em|[0-9]{1,3}%"
    "|(?:xx?-)?(?:small|large)|xxx-large|medium|smaller|larger"
)
_MARKER = "[1aAiI]"
_STYLES = {
    "aspect-ratio": rf"(?:auto )?{_NUMBER}(?: ?/ ?{_NUMBER})?",
    "background-color": _COLOR,
    "border": _BORDER,
    "border-collapse": "collapse|separate",
    "border-color": rf"{_COLOR}(?: {_COLOR}){{0,3}}",
    "border-radius": _LENGTHS,
    "border-spacing": _LENGTHS,
    "border-style": rf"{_BORDER_STYLE}(?: {_BORDER_STYLE}){{0,3}}",
    "border-width": _LENGTHS,
    "color": _COLOR,
    "display": "block|inline|inline-block|table",
    "float": "left|right|none",
    "font-family": _FONTS,
    "font-size": _FONT_SIZE,
    "font-style": "normal|italic|oblique",
    "font-variant": "normal|small-caps",
    "font-weight": "normal|bold|bolder|lighter|[1-9]00",
    "height": _LENGTH,
    "line-height": rf"normal|{_LENGTH}",
    "list-style-type": _KEYWORD,
    "margin": _LENGTHS,
    "max-width": _LENGTH,
    "min-width": _LENGTH,
    "padding": _LENGTHS,
    "page-break-after": _BREAK,
    "page-break-before": _BREAK,
    "table-layout": "auto|fixed",
    "text-align": "left|right|center|justify|start|end",
    "text-decoration": "(?:(?:underline|line-through|overline|none) ?){1,3}",
    "text-decoration-line": "(?:(?:underline|line-through|overline|none) ?){1,3}",
    "text-indent": _LENGTH,
    "vertical-align": "baseline|sub|super|top|middle|bottom|text-top|text-bottom",
    "white-space": "normal|nowrap|pre|pre-wrap|pre-line|break-spaces",
    "width": _LENGTH,
    **{f"{space}-{side}": _LENGTH for space in ("margin", "padding") for side in _SIDES},
    **{f"border-{side}": _BORDER for side in _SIDES},
}
# The classes of CKEditor 5, Quill, TinyMCE, Tiptap, Trix, Markdown on GitHub, and syntax
# highlighters. The list is closed, because a class of the site could cover the page.
_CLASSES = "|".join(
    (
        r"image(?:-inline|-style-[a-z-]+|_resized)?|table(?:-style-[a-z-]+)?|media|page-break"
        r"|todo-list(?:__[a-z_-]+)?|text-(?:tiny|small|big|huge)|(?:marker|pen)-[a-z]+|mention"
        r"|ck-list-marker-[a-z-]+|ck-table-resized|layout-table|content-table|multi-level-list",
        r"ql-(?:align|direction|indent|size|font|color|bg|token|video|formula|ui|syntax)"
        r"(?:-[a-z0-9-]+)?|ql-code-block(?:-container)?|ql-mention-denotation-char",
        r"mce-(?:accordion(?:-body|-summary)?|toc|pagebreak|preview-object)",
        r"tableWrapper|task-list|is-empty",
        r"trix-content|attachment(?:(?:--|__)[a-z-]+)?|attachment-gallery(?:--[0-9])?",
        r"contains-task-list|task-list-item(?:-checkbox)?|footnotes|footnote-ref|footnote-backref"
        r"|data-footnote-backref|sr-only|anchor|markdown-alert(?:-[a-z]+)?",
        r"(?:lang|language)-[a-zA-Z0-9_+#.-]{1,30}|hljs(?:-[a-z_-]+)?|highlight(?:-source-[a-z]+)?",
    )
)
# Scripts insert these values into markup, and some scripts do not escape them.
_WORD = r"(?:[^<>\"&\x00-\x1f]|& ){0,200}"
_VALUES = {
    "align": "left|right|center|justify",
    "border": _SMALL,
    "cellpadding": _SMALL,
    "cellspacing": _SMALL,
    "colspan": _COUNT,
    "dir": "ltr|rtl|auto",
    "height": _SIZE,
    "lang": _LANGUAGE,
    "ol type": _MARKER,
    "ul type": "disc|circle|square",
    "rowspan": _COUNT,
    "scope": "row|col|rowgroup|colgroup",
    "span": _COUNT,
    "start": _START,
    "target": "_blank",
    "valign": "top|middle|bottom|baseline",
    "value": _START,
    "width": _SIZE,
    **dict.fromkeys(("allowfullscreen", "checked", "disabled", "open", "reversed"), "[a-z]{0,20}"),
}
# For mentions and lists of these editors. No name that activates a JavaScript library.
_DATA = words(
    "data-checked data-color data-denotation-char data-id data-index data-label data-language"
    " data-list data-list-item-id data-mention data-mention-suggestion-char data-mention-uid"
    " data-type data-user-id data-value data-youtube-video"
)
# The keys that Trix reads from an attachment, without "content", which it shows as markup.
_TRIX = (
    r"\{(?:(?:\"(?:contentType|filename)\":\"[^\"\\<>]{0,300}\"|\"(?:filesize|height|width)\":[0-9]{1,12}"
    r"|\"(?:href|url)\":\"(?:https?:/)?/[^\"\\<>\s]{0,2000}\"),?){0,7}\}"
)
_TRIX_ATTRIBUTES = r"\{(?:\"(?:caption|presentation)\":\"[^\"\\<>]{0,500}\",?){0,2}\}"
_VALUES |= dict.fromkeys(_DATA, _WORD) | {
    "frameborder": "0|1",
    "data-trix-attachment": _TRIX,
    "data-trix-attributes": _TRIX_ATTRIBUTES,
    "data-trix-content-type": _WORD,
}
EDITOR = AllowList(
    tags=PLAIN_TAGS | words("details iframe input label oembed rp rt ruby strike summary"),
    attributes={
        "*": words("dir lang") | _DATA,
        "a": words("href target title"),
        "abbr": words("title"),
        "blockquote": words("cite"),
        "col": words("span width"),
        "colgroup": words("span width"),
        "details": words("open"),
        "figure": words("data-trix-attachment data-trix-attributes data-trix-content-type"),
        "iframe": words("allowfullscreen frameborder height src title width"),
        "img": words("alt height src title width"),
        "li": words("value"),
        "oembed": words("url"),
        "ol": words("reversed start type"),
        "p": words("align"),
        "q": words("cite"),
        "table": words("align border cellpadding cellspacing width"),
        "td": words("align colspan rowspan valign width"),
        "th": words("align colspan rowspan scope valign width"),
        "time": words("datetime"),
        "tr": words("align valign"),
        "ul": words("type"),
    },
    schemes=words("http https mailto tel"),
    values=_VALUES,
    styles=_STYLES,
    classes=_CLASSES,
    frames=words("www.youtube.com www.youtube-nocookie.com player.vimeo.com"),
)
PRESETS: Mapping[str, AllowList] = {
    "inline": INLINE,
    "comment": COMMENT,
    "article": ARTICLE,
    "editor": EDITOR,
}


def preset_named(name: str) -> AllowList:
    """Return the preset with this name. Raises GuardError."""
    if name not in PRESETS:
        known = ", ".join(repr(preset) for preset in PRESETS)
        hint = did_you_mean(name, PRESETS)
        raise GuardError(f"There is no preset {name!r}.{hint} The presets are: {known}.")
    return PRESETS[name]


def allow_lists() -> Iterator[AllowList]:
    """Yield all AllowLists of this process, the presets first."""
    presets = list(PRESETS.values())
    yield from presets
    yield from (each for each in made() if each not in presets)
