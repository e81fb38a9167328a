"""The tables."""

from api_guard.models.toolkit import require_toolkit

require_toolkit()

from api_guard.models.append_only import AppendOnlyError  # noqa: E402
from api_guard.models.authorities import GrantAuthority  # noqa: E402
from api_guard.models.grant_requests import GrantApproval, GrantRequest  # noqa: E402
from api_guard.models.grantees import GRANTEES, Held  # noqa: E402
from api_guard.models.ledger import (  # noqa: E402
    LedgerCheckpoint,
    LedgerDetail,
    LedgerHead,
    LedgerRecord,
)
from api_guard.models.rate_overrides import RateOverride  # noqa: E402
from api_guard.models.recorded import is_recorded, recorded  # noqa: E402
from api_guard.models.redeemed_codes import RedeemedCode  # noqa: E402
from api_guard.models.refresh_scopes import RefreshScope  # noqa: E402  # once the toolkit is there
from api_guard.models.remote_subjects import RemoteSubject  # noqa: E402
from api_guard.models.scope_grants import (  # noqa: E402
    ScopeGrant,
    is_past,
    validate_scope,
)

__all__ = [
    "GRANTEES",
    "AppendOnlyError",
    "GrantApproval",
    "GrantAuthority",
    "GrantRequest",
    "Held",
    "LedgerCheckpoint",
    "LedgerDetail",
    "LedgerHead",
    "LedgerRecord",
    "RateOverride",
    "RedeemedCode",
    "RefreshScope",
    "RemoteSubject",
    "ScopeGrant",
    "is_past",
    "is_recorded",
    "recorded",
    "require_toolkit",
    "validate_scope",
]
