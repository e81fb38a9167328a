"""Grant, revoke, extend, look up; the only room that queries ScopeGrant on the way of a request."""

from api_guard.grants.beside import Asked, Beside, Held
from api_guard.grants.errors import GrantError, refuse_reason
from api_guard.grants.overrides import granted_with_overrides
from api_guard.grants.reading import (
    LiveGrant,
    counting,
    database,
    get,
    granted,
    live,
    live_grants,
    record_use,
    scopes_of_client,
)
from api_guard.grants.writing import ensure, extend, grant, held, revoke, revoke_all

__all__ = [
    "Asked",
    "Beside",
    "GrantError",
    "Held",
    "LiveGrant",
    "counting",
    "database",
    "ensure",
    "extend",
    "get",
    "grant",
    "granted",
    "granted_with_overrides",
    "held",
    "live",
    "live_grants",
    "record_use",
    "refuse_reason",
    "revoke",
    "revoke_all",
    "scopes_of_client",
]
