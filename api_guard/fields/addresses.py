"""IP addresses that every database can store."""

from __future__ import annotations

from typing import Any

from rest_framework.fields import IPAddressField

_LONGEST = 45


class PlainIPAddressField(IPAddressField):
    """An IPv4 or IPv6 address without an interface name. It refuses "fe80::1%eth0"."""

    def to_internal_value(self, data: Any) -> str:
        """Return the address. Raises ValidationError."""
        if not isinstance(data, str) or len(data) > _LONGEST or "%" in data:
            self.fail("invalid")
        return str(super().to_internal_value(data))
