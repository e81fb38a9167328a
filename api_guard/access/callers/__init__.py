"""Request -> Caller; the only room that knows tokens, users and addresses."""

from api_guard.access.callers.asking import caller_of, overrides_of, rows_behind, throttle_key
from api_guard.access.callers.identifying import ScopedAuthentication, is_unscoped

__all__ = [
    "ScopedAuthentication",
    "caller_of",
    "is_unscoped",
    "overrides_of",
    "rows_behind",
    "throttle_key",
]
