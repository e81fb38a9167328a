"""HTML of which only what is allowed is left."""

from __future__ import annotations

from typing import Any

from api_guard import conf
from api_guard.fields.flaws import flaws_as_errors, must_be_set
from api_guard.fields.text import TEXTAREA, FormattedField
from api_guard.input.sanitizers import AllowList, RichText, preset_named


class RichTextField(FormattedField):
    """HTML of which only a preset or an AllowList is left; "comment" is the default.

    `max_length` counts characters of markup, before and after sanitizing, and must be given.
    `linkify` makes links of the http(s) addresses in the text. Raises GuardError when declared
    wrongly.
    """

    def __init__(
        self,
        *,
        max_length: int | None = None,
        max_bytes: int | None = None,
        preset: str = "comment",
        allowed: AllowList | None = None,
        linkify: bool = False,
        **kwargs: Any,
    ) -> None:
        length = must_be_set(self, "max_length", max_length, "max_length=10_000", kwargs)
        lists = preset_named(preset) if allowed is None else allowed
        self.rich_text = RichText(lists, length, max_bytes, linkify)
        kwargs.setdefault("style", TEXTAREA)
        super().__init__(max_length=length or None, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Return the markup sanitized. Raises ValidationError."""
        # CharField's own trimming, and no format: the engine is the one of the settings now.
        text = super(FormattedField, self).to_internal_value(data)
        with flaws_as_errors():
            markup = self.rich_text.clean(text, conf.sanitizer())
        if self.trim_whitespace:
            # What stood between two scripts begins or ends the text now.
            markup = markup.strip()
        if not self.allow_blank and not markup.strip():
            self.fail("blank")
        return markup
