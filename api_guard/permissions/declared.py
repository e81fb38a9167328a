"""Guarded, the default that refuses undeclared views, and HasScopes for `permission_classes`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission, OperationHolderMixin
from rest_framework.request import Request

from api_guard.access.callers import caller_of
from api_guard.access.endpoints import declares_scopes, is_and, is_exempt, policy_of, sides_of
from api_guard.access.record import is_covered, record_decision
from api_guard.access.reporting import REPORTED, ask, report, reported_at, tell
from api_guard.core.decision import decide
from api_guard.core.requirements import AnyOf, PolicyError, Requirement
from api_guard.exceptions import GuardError, UndeclaredEndpoint
from api_guard.permissions.refusing import refusal_for

if TYPE_CHECKING:
    # DRF resolves Guarded while it imports its views.
    from rest_framework.views import APIView


class Guarded(BasePermission):
    """Refuse every view that has no guard and is not exempt.

    For `REST_FRAMEWORK["DEFAULT_PERMISSION_CLASSES"]`. It decides nothing for a guarded view,
    because the guard has decided before DRF asks the permissions.
    """

    replaces_default = True

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Return True for a declared view; raise UndeclaredEndpoint for any other."""
        cls = type(view)
        is_declared = policy_of(cls) is not None or declares_scopes(view.permission_classes)
        if is_declared or is_exempt(cls) or is_covered(request._request):
            return True
        if REPORTED in view.__dict__:
            return True  # the gate asks the earlier permissions
        raise UndeclaredEndpoint


class HasScopes(OperationHolderMixin, BasePermission):
    """Require all of some scopes: `permission_classes = [HasScopes("notes:read")]`.

    Use it to move a project step by step. `@guard` does more, and an override cannot remove it.
    """

    declares_scopes = True
    replaces_default = True

    def __init__(self, *scopes: str | AnyOf) -> None:
        try:
            self.requirement = Requirement.parse(scopes)
        except PolicyError as error:
            raise GuardError(f"HasScopes: {error}") from None
        if not self.requirement.scopes:
            raise GuardError('HasScopes: name a scope, as in HasScopes("notes:read").')

    def __call__(self) -> HasScopes:
        """Return the permission, because DRF expects a class and calls it."""
        return self

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Return True for a caller that has the scopes; refuse any other as a guard does."""
        caller = caller_of(request)
        decision = decide(self.requirement, caller)
        if decision.allowed:
            record_decision(request, view, self.requirement.scope_names)
            return True
        # Inside an OR the other side may still allow, so do not raise yet.
        if _is_needed(self, view.permission_classes):
            refusal = refusal_for(decision, caller, request, view, self.requirement)
            found = reported_at(request, self.requirement)
            if found is None:
                raise refusal
            tell(refusal, request, view)
            report(found, view)
            ask(found, view, request)
            record_decision(request, view)
            return True
        return False


def _is_needed(wanted: HasScopes, permissions: Sequence[object]) -> bool:
    """Whether a view requires this permission, so that no other one can replace it."""
    for permission in permissions:
        if permission is wanted:
            return True
        if is_and(permission) and _is_needed(wanted, sides_of(permission)):
            return True
    return False
