"""`{{ note.body|rich_text }}` renders what RichTextField has cleaned, and escapes all else."""

from __future__ import annotations

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from api_guard.input.sanitizers import RichText, preset_named, text_of

register = template.Library()


@register.filter
def rich_text(value: object, preset: str = "comment") -> SafeString:
    """Return `value` unescaped, if it is the value of a RichTextField of this preset; else escaped.

    Raises GuardError for a preset that there is not.
    """
    allowed = preset_named(preset)
    if not isinstance(value, str):
        return escape("" if value is None else value)
    # Whoever wrote it there, the shell or another program: only what an engine leaves is shown.
    if RichText(allowed, max(len(value), 1)).is_clean(str(value)):
        return mark_safe(value)  # noqa: S308  # an engine has just left it as it is
    return escape(value)


@register.filter
def rich_text_as_text(value: object) -> str:
    """Return the text of rich text, for a subject line or an e-mail; templates escape it."""
    return text_of(value) if isinstance(value, str) else ""
