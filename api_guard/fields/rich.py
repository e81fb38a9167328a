"""HTML that is cleaned to allowed elements and attributes."""

from __future__ import annotations

from typing import Any

from api_guard import conf
from api_guard.fields.flaws import flaws_as_errors, must_be_set
from api_guard.fields.text import TEXTAREA, FormattedField
from api_guard.input.sanitizers import AllowList, RichText, preset_named


class RichTextField(FormattedField):
    """HTML, cleaned to what a preset or an AllowList allows. The default preset is "comment".

    `max_length` is required and counts characters of markup, before and after cleaning. `linkify`
    turns http(s) addresses in the text into links. Raises GuardError for wrong arguments.
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
        """Return the sanitized markup. Raises ValidationError."""
        # Only CharField's trimming, without a format: the settings choose the engine.
        text = super(FormattedField, self).to_internal_value(data)
        with flaws_as_errors():
            markup = self.rich_text.clean(text, conf.sanitizer())
        if self.trim_whitespace:
            # After scripts are removed, the text may begin or end with spaces.
            markup = markup.strip()
        if not self.allow_blank and not markup.strip():
            self.fail("blank")
        return markup
