"""Clients that authenticate themselves."""

from __future__ import annotations

from typing import Any


class ClientMixin:
    """Take what is no Basic credential for a wrong one."""

    def _authenticate_basic_auth(self, request: Any) -> bool:
        validator: Any = super()
        try:
            return validator._authenticate_basic_auth(request) is True
        except ValueError:
            # Letters beyond ASCII where base64 should be, which the toolkit does not expect.
            return False
