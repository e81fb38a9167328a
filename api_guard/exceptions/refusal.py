"""What every refusal has in common."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import APIException, ErrorDetail


class Refusal(APIException):
    """What a refused client gets: an exact status, a stable code and the right headers.

    DRF's stock exception handler turns `auth_header` and `wait` into headers.
    """

    auth_header: str | None = None
    wait: int | None = None

    def __init__(self, detail: object = None) -> None:
        text = str(self.default_detail if detail is None else detail)
        # A dict, because DRF's handler would drop the code of a plain detail.
        self.detail = {
            "detail": ErrorDetail(text, self.default_code),
            "code": ErrorDetail(self.default_code, self.default_code),
        }

    def extend(self, **said: str | int) -> None:
        """Say more in the body."""
        detail: Any = self.detail
        detail.update(said)
