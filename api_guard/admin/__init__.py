"""Grant and revoke in Django's admin. The rules are in `api_guard.grants`."""

from api_guard.admin.access import AccessAdmin
from api_guard.admin.access_reviews import AccessReviewAdmin
from api_guard.admin.authorities import GrantAuthorityAdmin
from api_guard.admin.blocks import BlockAdmin
from api_guard.admin.clients import ClientAdmin
from api_guard.admin.endpoints import EndpointAdmin
from api_guard.admin.explanations import ExplanationAdmin
from api_guard.admin.grant_requests import GrantRequestAdmin
from api_guard.admin.ledger import LedgerRecordAdmin
from api_guard.admin.matrix import MatrixAdmin
from api_guard.admin.rate_overrides import RateOverrideAdmin
from api_guard.admin.remote_subjects import RemoteSubjectAdmin
from api_guard.admin.scope_grants import ScopeGrantAdmin
from api_guard.admin.scopes import ScopeAdmin

__all__ = [
    "AccessAdmin",
    "AccessReviewAdmin",
    "BlockAdmin",
    "ClientAdmin",
    "EndpointAdmin",
    "ExplanationAdmin",
    "GrantAuthorityAdmin",
    "GrantRequestAdmin",
    "LedgerRecordAdmin",
    "MatrixAdmin",
    "RateOverrideAdmin",
    "RemoteSubjectAdmin",
    "ScopeAdmin",
    "ScopeGrantAdmin",
]
