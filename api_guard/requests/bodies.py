"""The bodies of the API: what is sent, and how a request is shown."""

from __future__ import annotations

from typing import Any

from api_guard import grants
from api_guard.core.scopes import ScopeTerms
from api_guard.fields import BoundedDateTimeField, BoundedIntegerField, PlainTextField
from api_guard.models import GrantRequest
from api_guard.serializers import StrictSerializer

_REASON = 500
# Ten years: each scope, and MAX_GRANT_DAYS, may allow less.
_MOST_DAYS = 3650


class AskedBody(StrictSerializer):
    """What a user asks for. The days are counted from now, not from the approval."""

    scope = PlainTextField(max_length=255)
    reason = PlainTextField(max_length=_REASON)
    days = BoundedIntegerField(min_value=1, max_value=_MOST_DAYS)

    class Meta:
        strict_types = True


class ApprovedBody(StrictSerializer):
    """An approval, perhaps with an earlier end."""

    until = BoundedDateTimeField(required=False, default=None)

    class Meta:
        strict_types = True


class EndedBody(StrictSerializer):
    """Why a request is declined or withdrawn."""

    reason = PlainTextField(max_length=_REASON, required=False, default="", allow_blank=True)

    class Meta:
        strict_types = True


def shown_scope(name: str, terms: ScopeTerms) -> dict[str, Any]:
    """Return a scope that can be asked for."""
    return {
        "scope": name,
        "description": terms.description,
        "group": terms.group,
        "approvals": grants.approvals_needed(name),
        "max_days": grants.most_days(name),
    }


def shown(row: GrantRequest) -> dict[str, Any]:
    """Return a request as its owner sees it."""
    return {
        "id": row.pk,
        "scope": row.scope,
        "reason": row.reason,
        "until": row.expires_at,
        "state": grants.state_of(row),
        "asked_at": row.asked_at,
        "closes_at": grants.closes_at(row),
        "approvals": len(row.approvals.all()),
        "approvals_needed": grants.approvals_needed(row.scope),
        "decided_at": row.decided_at,
        "decision_reason": row.decision_reason,
    }


def shown_to_decide(row: GrantRequest) -> dict[str, Any]:
    """Return a request as those who decide it see it."""
    grantee = {"kind": row.grantee_kind, "name": str(row.grantee)}
    asked_by = None if row.asked_by is None else str(row.asked_by)
    return {**shown(row), "grantee": grantee, "asked_by": asked_by}
