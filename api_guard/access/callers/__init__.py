"""Request -> Caller; the only room that knows tokens, users and addresses."""

from api_guard.access.callers.asking import (
    Known,
    caller_of,
    known_caller,
    overrides_of,
    rows_behind,
    throttle_key,
)
from api_guard.access.callers.identifying import ScopedAuthentication, is_unscoped

__all__ = [
    "Known",
    "ScopedAuthentication",
    "caller_of",
    "is_unscoped",
    "known_caller",
    "overrides_of",
    "rows_behind",
    "throttle_key",
]
