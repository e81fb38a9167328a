"""Grant, revoke, extend, look up; the only room that queries ScopeGrant."""

from api_guard.grants.reading import (
    LiveGrant,
    database,
    get,
    granted,
    live,
    live_grants,
    record_use,
    scopes_of_client,
)
from api_guard.grants.writing import GrantError, ensure, extend, grant, held, revoke, revoke_all

__all__ = [
    "GrantError",
    "LiveGrant",
    "database",
    "ensure",
    "extend",
    "get",
    "grant",
    "granted",
    "held",
    "live",
    "live_grants",
    "record_use",
    "revoke",
    "revoke_all",
    "scopes_of_client",
]
