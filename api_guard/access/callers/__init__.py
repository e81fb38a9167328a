"""Request -> Caller. Only this package knows tokens, users and addresses."""

from api_guard.access.callers.asking import (
    Known,
    caller_as,
    caller_of,
    key_of,
    known_caller,
    overrides_of,
    rows_behind,
    throttle_key,
)
from api_guard.access.callers.identifying import (
    ScopedAuthentication,
    is_unscoped,
    kind_of_token,
    says_scopes,
)

__all__ = [
    "Known",
    "ScopedAuthentication",
    "caller_as",
    "caller_of",
    "is_unscoped",
    "key_of",
    "kind_of_token",
    "known_caller",
    "overrides_of",
    "rows_behind",
    "says_scopes",
    "throttle_key",
]
