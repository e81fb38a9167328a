"""Grant, revoke, extend and look up. During a request, only this package queries ScopeGrant."""

from api_guard.grants.adopting import adopt
from api_guard.grants.asking import (
    closes_at,
    decidable,
    is_open,
    judged_by,
    open_requests,
    requests_of,
    state_of,
    withdraw,
)
from api_guard.grants.attention import Attention, attention
from api_guard.grants.authority import (
    Authority,
    authorities,
    managed_scopes,
    manages,
    may_give_any,
    may_manage,
    refuse,
    refuse_own,
    refuse_without_any,
    refuse_without_authority,
)
from api_guard.grants.authorizing import authorize, deauthorize
from api_guard.grants.beside import Asked, Beside, Held
from api_guard.grants.changes import Act, Change, SyncPlan
from api_guard.grants.changing_many import Changed, extend_many, revoke_many
from api_guard.grants.deciding import approvals_needed, approve, decline
from api_guard.grants.disused import Why, revoke_unused, unused
from api_guard.grants.errors import GrantError, from_validation, refuse_reason
from api_guard.grants.explaining import Way, ended, groups_of, holders, ways
from api_guard.grants.finding import active, grantee_of, held
from api_guard.grants.giving import (
    ensure,
    extend,
    grant,
    refuse_to_end_tokens,
    revoke,
    revoke_all,
)
from api_guard.grants.giving_many import Given, grant_many
from api_guard.grants.holdings import (
    Holding,
    count_own,
    holdings,
    live_keys,
    own_scopes,
    rows_of_scope,
    rows_of_scopes,
)
from api_guard.grants.keeping import keep
from api_guard.grants.lifting import lift_block
from api_guard.grants.naming import natural_key
from api_guard.grants.offers import ALREADY, Offer, Unmade
from api_guard.grants.overrides import granted_with_overrides
from api_guard.grants.pinning import pin, unpinned
from api_guard.grants.planning import plan_bundles, plan_sync
from api_guard.grants.reading import (
    LiveGrant,
    database,
    get,
    granted,
    live,
    live_grants,
    scopes_of_client,
)
from api_guard.grants.reconciling import differences
from api_guard.grants.refusing import CODES, refusal_of
from api_guard.grants.requesting import request, requestable_scopes
from api_guard.grants.reviewed import digest_of
from api_guard.grants.summing import members
from api_guard.grants.syncing import apply_sync
from api_guard.grants.terms import is_everyone, most_days
from api_guard.grants.tracking import tracked_since
from api_guard.grants.using import record_use
from api_guard.grants.verifying import verify
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
    "ALREADY",
    "CODES",
    "Act",
    "Asked",
    "Attention",
    "Authority",
    "Beside",
    "By",
    "Change",
    "Changed",
    "Claimed",
    "Given",
    "GrantError",
    "Held",
    "Holding",
    "LiveGrant",
    "Offer",
    "SyncPlan",
    "System",
    "Unmade",
    "Way",
    "Why",
    "active",
    "adopt",
    "apply_sync",
    "approvals_needed",
    "approve",
    "attention",
    "authorities",
    "authorize",
    "break_glass",
    "closes_at",
    "count_own",
    "database",
    "deauthorize",
    "decidable",
    "decline",
    "differences",
    "digest_of",
    "ended",
    "ensure",
    "extend",
    "extend_many",
    "from_validation",
    "get",
    "grant",
    "grant_many",
    "granted",
    "granted_with_overrides",
    "grantee_of",
    "groups_of",
    "held",
    "holders",
    "holdings",
    "is_everyone",
    "is_open",
    "judged_by",
    "keep",
    "lift_block",
    "live",
    "live_grants",
    "live_keys",
    "managed_scopes",
    "manages",
    "may_give_any",
    "may_manage",
    "members",
    "most_days",
    "natural_key",
    "note",
    "note_end_of_access",
    "open_requests",
    "own_scopes",
    "pin",
    "plan_bundles",
    "plan_sync",
    "record_use",
    "refusal_of",
    "refuse",
    "refuse_own",
    "refuse_reason",
    "refuse_to_end_tokens",
    "refuse_without_any",
    "refuse_without_authority",
    "request",
    "requestable_scopes",
    "requests_of",
    "revoke",
    "revoke_all",
    "revoke_many",
    "revoke_unused",
    "rows_of_scope",
    "rows_of_scopes",
    "scopes_of_client",
    "state_of",
    "tracked_since",
    "unpinned",
    "unused",
    "user_of",
    "verify",
    "ways",
    "who_of",
    "whoever_is_served",
    "withdraw",
]
