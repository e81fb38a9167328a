"""JSON in forms."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from api_guard.core.structures import JSONLimits
from api_guard.forms.flaws import flaws_as_errors

_LIMITS = JSONLimits()


class BoundedJSONField(forms.JSONField):
    """The form field with the rules of the serializer field of this name."""

    def __init__(
        self,
        *,
        max_depth: int = _LIMITS.max_depth,
        max_items: int = _LIMITS.max_items,
        max_bytes: int = _LIMITS.max_bytes,
        max_key_length: int = _LIMITS.max_key_length,
        **kwargs: Any,
    ) -> None:
        self.limits = JSONLimits(max_depth, max_items, max_bytes, max_key_length)
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> Any:
        """Return the value. Raises ValidationError."""
        # Text from a form may be up to four times longer, by spaces and escapes.
        if isinstance(value, str) and len(value) > 4 * self.limits.max_bytes:
            raise ValidationError(_("The value is too long."), code="max_bytes")
        try:
            parsed = super().to_python(value)
        except RecursionError as error:
            raise ValidationError(_("The value is nested too deep."), code="too_deep") from error
        with flaws_as_errors():
            self.limits.refuse_flaw(parsed)
        return parsed
