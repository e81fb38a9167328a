"""Raises the refusal that a client gets for a denial."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.request import Request

from api_guard.authentication import challenge_of, resource_metadata
from api_guard.core.caller import Caller
from api_guard.core.decision import Decision, Denial
from api_guard.core.requirements import Requirement
from api_guard.exceptions import (
    FirstPartyOnly,
    InsufficientScope,
    NotAuthenticated,
    NotOffered,
    Refusal,
    StaffOnly,
    UserOnly,
)

if TYPE_CHECKING:
    # DRF resolves Guarded while it imports its views.
    from rest_framework.views import APIView


def refusal_for(
    decision: Decision,
    caller: Caller,
    request: Request,
    view: APIView,
    requirement: Requirement | None,
) -> Refusal:
    """Return the refusal that a client gets for a denial of `requirement`."""
    refusal = refusal_of(decision, caller, request, view)
    refusal.requirement = requirement
    return refusal


def refusal_of(decision: Decision, caller: Caller, request: Request, view: APIView) -> Refusal:
    """Return the refusal that a client gets for a denial."""
    match decision.denial:
        case Denial.NOT_AUTHENTICATED:
            return NotAuthenticated(_challenge(request, view))
        case Denial.INSUFFICIENT_SCOPE:
            is_bearer = caller.credential.is_token
            metadata = resource_metadata(request) if is_bearer else None
            return InsufficientScope(decision.needed, bearer=is_bearer, resource_metadata=metadata)
        case Denial.STAFF_ONLY:
            return StaffOnly()
        case Denial.USER_ONLY:
            return UserOnly()
        case Denial.FIRST_PARTY_ONLY:
            return FirstPartyOnly()
        case _:
            return NotOffered()


def _challenge(request: Request, view: APIView) -> str | None:
    headers = (challenge_of(each, request) for each in view.get_authenticators())
    return next((header for header in headers if header), None)
