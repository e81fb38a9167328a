"""The validator of JSON."""

from __future__ import annotations

from typing import Any

from django.utils.deconstruct import deconstructible

from api_guard.core.structures import JSONLimits
from api_guard.validators.validator import Validator

_LIMITS = JSONLimits()


@deconstructible(path="api_guard.validators.BoundedJSONValidator")
class BoundedJSONValidator(Validator):
    """The rules of BoundedJSONField."""

    field = "BoundedJSONField"

    def __init__(
        self,
        *,
        max_depth: int = _LIMITS.max_depth,
        max_items: int = _LIMITS.max_items,
        max_bytes: int = _LIMITS.max_bytes,
        max_key_length: int = _LIMITS.max_key_length,
    ) -> None:
        self.limits = JSONLimits(max_depth, max_items, max_bytes, max_key_length)
        self.options = {
            "max_depth": max_depth,
            "max_items": max_items,
            "max_bytes": max_bytes,
            "max_key_length": max_key_length,
        }

    def refuse(self, value: Any) -> None:
        """Raise FlawError."""
        self.limits.refuse_flaw(value)
