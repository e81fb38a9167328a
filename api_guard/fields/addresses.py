"""Addresses of the internet protocol that every database keeps."""

from __future__ import annotations

from typing import Any

from rest_framework.fields import IPAddressField

_LONGEST = 45


class PlainIPAddressField(IPAddressField):
    """An IPv4 or IPv6 address, without the name of an interface: no "fe80::1%eth0"."""

    def to_internal_value(self, data: Any) -> str:
        """Return the address. Raises ValidationError."""
        if not isinstance(data, str) or len(data) > _LONGEST or "%" in data:
            self.fail("invalid")
        return str(super().to_internal_value(data))
