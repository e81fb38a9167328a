"""Bytes, as text in base64."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.fields import Field

MAX_BYTES = 65_536


class BoundedBinaryField(Field[Any, Any, Any, Any]):
    """At most `max_length` bytes, 65,536 by default, in base64 (RFC 4648 §4)."""

    default_error_messages = {
        "invalid": _("This must be a string in base64."),
        "max_length": _("There are more than {max_length} bytes."),
    }
    # For drf-spectacular.
    _spectacular_annotation = {"field": {"type": "string", "format": "byte"}}

    def __init__(self, *, max_length: int = MAX_BYTES, **kwargs: Any) -> None:
        self.max_length = max_length
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> bytes:
        """Return the bytes. Raises ValidationError."""
        if not isinstance(data, str):
            self.fail("invalid")
        if len(data) > 4 * (self.max_length // 3 + 1):
            self.fail("max_length", max_length=self.max_length)
        try:
            found = base64.b64decode(data.encode("ascii"), validate=True)
        except (binascii.Error, UnicodeEncodeError):
            self.fail("invalid")
        if len(found) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        return found

    def to_representation(self, value: Any) -> str:
        """Return the bytes in base64. Some databases return a memoryview."""
        return base64.b64encode(bytes(value)).decode()
