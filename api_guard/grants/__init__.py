"""Grant, revoke, extend and look up. During a request, only this package queries ScopeGrant."""

from api_guard.grants.asking import approve, decline, is_open, open_requests
from api_guard.grants.authority import (
    authorities,
    managed_scopes,
    manages,
    may_give_any,
    may_manage,
)
from api_guard.grants.authorizing import authorize, deauthorize
from api_guard.grants.beside import Asked, Beside, Held
from api_guard.grants.errors import GrantError, refuse_reason
from api_guard.grants.explaining import Way, ended, groups_of, holders, ways
from api_guard.grants.finding import held
from api_guard.grants.giving import ensure, extend, grant, revoke, revoke_all
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
from api_guard.grants.reconciling import Difference, adopt, differences
from api_guard.grants.who import (
    By,
    Claimed,
    System,
    note,
    note_end_of_access,
    user_of,
    who_of,
    whoever_is_served,
)
from api_guard.grants.writing import break_glass

__all__ = [
    "Asked",
    "Beside",
    "By",
    "Claimed",
    "Difference",
    "GrantError",
    "Held",
    "LiveGrant",
    "System",
    "Way",
    "adopt",
    "approve",
    "authorities",
    "authorize",
    "break_glass",
    "counting",
    "database",
    "deauthorize",
    "decline",
    "differences",
    "ended",
    "ensure",
    "extend",
    "get",
    "grant",
    "granted",
    "granted_with_overrides",
    "groups_of",
    "held",
    "holders",
    "is_open",
    "live",
    "live_grants",
    "managed_scopes",
    "manages",
    "may_give_any",
    "may_manage",
    "note",
    "note_end_of_access",
    "open_requests",
    "record_use",
    "refuse_reason",
    "revoke",
    "revoke_all",
    "scopes_of_client",
    "user_of",
    "ways",
    "who_of",
    "whoever_is_served",
]
