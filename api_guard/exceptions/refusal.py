"""The base class of all refusals."""

from __future__ import annotations

from typing import Any

from django.http import JsonResponse
from rest_framework.exceptions import APIException, ErrorDetail

from api_guard.core.requirements import Requirement


class Refusal(APIException):
    """The answer to a refused client: an exact status, a stable code and the right headers.

    Each is also the exception of DRF's that fits: PermissionDenied, Throttled. DRF's stock
    exception handler turns `auth_header` and `wait` into headers. `detail` is what DRF's own
    exceptions have, a text with a `code`; the body says more.
    """

    auth_header: str | None = None
    wait: float | None = None
    # The requirement of the operation, if that is the reason of the refusal.
    requirement: Requirement | None = None
    # More about the reason, only for the log, not for the client.
    because = ""
    # Whether the decision was recorded; a refusal may pass several views.
    is_recorded = False

    def __init__(self, detail: object = None) -> None:
        text = str(self.default_detail if detail is None else detail)
        self.detail: ErrorDetail = ErrorDetail(text, self.default_code)
        self.body: dict[str, Any] = {
            "detail": self.detail,
            "code": ErrorDetail(self.default_code, self.default_code),
        }

    def __setattr__(self, name: str, value: object) -> None:
        # DRF's handle_exception() writes here what the view's first authenticator says, for any
        # 401. The refusal knows better: whose credential it was, and what is wrong with it.
        if name not in ("auth_header", "status_code"):
            super().__setattr__(name, value)

    def challenge(self, header: str | None) -> None:
        """Return the challenge: what the client has to present. None means nothing would help."""
        self.__dict__["auth_header"] = header
        if header is None and self.status_code == 401:
            # RFC 9110 §15.5.2: a 401 must carry a challenge.
            self.__dict__["status_code"] = 403

    def extend(self, **said: str | int) -> None:
        """Add fields to the body."""
        self.body.update(said)

    def complete(self, data: Any) -> None:
        """Add the fields to the answer that DRF's own handler leaves out."""
        if not isinstance(data, dict) or data.get("detail") != self.detail:
            return  # the project has its own format
        del data["detail"]
        rest = dict(data)
        data.clear()
        data.update(self.body | rest)

    def answer(self) -> JsonResponse:
        """Return the answer for code outside of DRF's views."""
        response = JsonResponse(self.body, status=self.status_code)
        # As DRF's own has it, for a view that calls others and reads what they say.
        setattr(response, "data", self.body)  # noqa: B010
        response.headers["Cache-Control"] = "no-store"
        if self.wait is not None:
            response.headers["Retry-After"] = str(self.wait)
        if self.auth_header is not None:
            response.headers["WWW-Authenticate"] = self.auth_header
        return response
