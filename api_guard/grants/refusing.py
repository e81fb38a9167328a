"""The refusal that answers a GrantError."""

from __future__ import annotations

from api_guard.exceptions.granting import GrantForbidden, GrantInvalid, GrantRefused
from api_guard.grants.errors import GrantError

_FORBIDDEN = frozenset(
    {"inactive", "needs_approval", "no_authority", "nobody", "not_requestable", "not_reviewer"}
    | {"own_grant", "own_request", "self_grant", "sensitive_to_everyone"}
)
# The state of the rows is in the way. Every other code is about a value.
_CONFLICTS = frozenset(
    {"already_approved", "already_asked", "already_authorized", "already_decided"}
    | {"already_granted", "already_revoked", "closed", "expired", "meanwhile", "no_block"}
    | {"not_authorized", "not_tracked"}
)
# Codes of refusals that only functions of this package and of reviews give.
CODES = _FORBIDDEN | _CONFLICTS


def refusal_of(error: GrantError, detail: str | None = None) -> GrantRefused:
    """Return the refusal: 403, 409, or 400. Its code is that of the error.

    Without `detail`, the client is not told the message, which may name other grantees.
    """
    if error.code in _FORBIDDEN:
        return GrantForbidden(error.code, detail)
    if error.code in _CONFLICTS:
        return GrantRefused(error.code, detail)
    return GrantInvalid(error.code, detail)
