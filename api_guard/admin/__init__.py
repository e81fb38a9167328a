"""Grant and revoke in Django's admin; calls grants.py, holds no rules."""

from api_guard.admin.ledger_records import LedgerRecordAdmin
from api_guard.admin.rate_overrides import RateOverrideAdmin
from api_guard.admin.remote_subjects import RemoteSubjectAdmin
from api_guard.admin.scope_grants import ScopeGrantAdmin

__all__ = ["LedgerRecordAdmin", "RateOverrideAdmin", "RemoteSubjectAdmin", "ScopeGrantAdmin"]
