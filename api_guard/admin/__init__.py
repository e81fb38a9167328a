"""Grant and revoke in Django's admin. The rules are in `api_guard.grants`."""

from api_guard.admin.authorities import GrantAuthorityAdmin
from api_guard.admin.grant_requests import GrantRequestAdmin
from api_guard.admin.ledger_records import LedgerRecordAdmin
from api_guard.admin.rate_overrides import RateOverrideAdmin
from api_guard.admin.remote_subjects import RemoteSubjectAdmin
from api_guard.admin.scope_grants import ScopeGrantAdmin

__all__ = [
    "GrantAuthorityAdmin",
    "GrantRequestAdmin",
    "LedgerRecordAdmin",
    "RateOverrideAdmin",
    "RemoteSubjectAdmin",
    "ScopeGrantAdmin",
]
