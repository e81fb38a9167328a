"""The tables."""

from api_guard.models.toolkit import require_toolkit

require_toolkit()

from api_guard.models.access_reviews import AccessReview, ReviewedGrant  # noqa: E402
from api_guard.models.append_only import AppendOnlyError  # noqa: E402
from api_guard.models.authorities import GrantAuthority  # noqa: E402
from api_guard.models.bundle_pins import BundlePin  # noqa: E402
from api_guard.models.grant_approvals import GrantApproval  # noqa: E402
from api_guard.models.grant_requests import GrantRequest  # noqa: E402
from api_guard.models.grantees import GRANTEES, Held  # noqa: E402
from api_guard.models.ledger import (  # noqa: E402
    LedgerCheckpoint,
    LedgerDetail,
    LedgerHead,
    LedgerRecord,
    LedgerVerification,
)
from api_guard.models.notices import Notice  # noqa: E402
from api_guard.models.pages import (  # noqa: E402
    Access,
    Block,
    Client,
    Endpoint,
    Explanation,
    Matrix,
    Scope,
)
from api_guard.models.rate_overrides import RateOverride  # noqa: E402
from api_guard.models.recorded import is_recorded, is_unrecorded, recorded  # noqa: E402
from api_guard.models.redeemed_codes import RedeemedCode  # noqa: E402
from api_guard.models.refresh_scopes import RefreshScope  # noqa: E402  # once the toolkit is there
from api_guard.models.remote_subjects import RemoteSubject  # noqa: E402
from api_guard.models.scope_grants import (  # noqa: E402
    ScopeGrant,
    is_past,
    validate_scope,
)
from api_guard.models.scope_uses import ScopeUse, ScopeUseTracking  # noqa: E402

__all__ = [
    "GRANTEES",
    "Access",
    "AccessReview",
    "AppendOnlyError",
    "Block",
    "BundlePin",
    "Client",
    "Endpoint",
    "Explanation",
    "GrantApproval",
    "GrantAuthority",
    "GrantRequest",
    "Held",
    "LedgerCheckpoint",
    "LedgerDetail",
    "LedgerHead",
    "LedgerRecord",
    "LedgerVerification",
    "Matrix",
    "Notice",
    "RateOverride",
    "RedeemedCode",
    "RefreshScope",
    "RemoteSubject",
    "ReviewedGrant",
    "Scope",
    "ScopeGrant",
    "ScopeUse",
    "ScopeUseTracking",
    "is_past",
    "is_recorded",
    "is_unrecorded",
    "recorded",
    "require_toolkit",
    "validate_scope",
]
