"""`{{ note.body|rich_text }}` renders HTML that RichTextField has cleaned. It escapes the rest."""

from __future__ import annotations

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from api_guard.input.sanitizers import RichText, preset_named, text_of

register = template.Library()


@register.filter
def rich_text(value: object, preset: str = "comment") -> SafeString:
    """Return `value` unescaped if a RichTextField with this preset has cleaned it, else escaped.

    Raises GuardError for an unknown preset.
    """
    allowed = preset_named(preset)
    if not isinstance(value, str):
        return escape("" if value is None else value)
    # A shell or another program may have written the value, so it is checked again.
    if RichText(allowed, max(len(value), 1)).is_clean(str(value)):
        return mark_safe(value)  # noqa: S308  # is_clean() has just checked it
    return escape(value)


@register.filter
def rich_text_as_text(value: object) -> str:
    """Return the plain text of rich text, for a subject line or an e-mail. Templates escape it."""
    return text_of(value) if isinstance(value, str) else ""
