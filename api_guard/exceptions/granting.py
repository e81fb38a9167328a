"""Refusals of a grant or a request that cannot be made, changed or decided."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ParseError, PermissionDenied

from api_guard.exceptions.refusal import Refusal


class GrantRefused(Refusal):
    """The rows are not, or no longer, in the state that this needs. `code` says why."""

    status_code = 409
    default_detail = _("This is not possible now.")
    default_code = "conflict"

    def __init__(self, code: str | None = None, detail: object = None) -> None:
        self.default_code = code or type(self).default_code
        super().__init__(detail)


class GrantForbidden(GrantRefused, PermissionDenied):
    """The caller may not grant, ask for or decide this."""

    status_code = 403
    default_detail = _("You may not do this.")
    default_code = "no_authority"


class GrantInvalid(GrantRefused, ParseError):
    """A value does not fit: the reason, the expiry, the name of a scope."""

    status_code = 400
    default_detail = _("The request has a value that cannot be used.")
    default_code = "invalid"
