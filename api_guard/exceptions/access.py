"""Refusals of authenticated callers, and of views without a guard or a decision."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import PermissionDenied

from api_guard.core.challenges import bearer_challenge
from api_guard.exceptions.refusal import Refusal


class InsufficientScope(Refusal, PermissionDenied):
    """The caller is known and does not have the scopes."""

    status_code = 403
    default_detail = _("You do not have the scope that this needs.")
    default_code = "insufficient_scope"

    def __init__(
        self, scopes: Iterable[str], *, bearer: bool, resource_metadata: str | None = None
    ) -> None:
        super().__init__()
        if bearer:
            self.challenge(
                bearer_challenge(
                    error="insufficient_scope", scopes=scopes, resource_metadata=resource_metadata
                )
            )


class StaffOnly(Refusal, PermissionDenied):
    """The operation is only for staff."""

    status_code = 403
    default_detail = _("Only staff may do this.")
    default_code = "staff_only"


class UserOnly(Refusal, PermissionDenied):
    """A client calls on its own behalf, and the operation needs a user."""

    status_code = 403
    default_detail = _("Only a user may do this, not a client on its own behalf.")
    default_code = "user_only"


class FirstPartyOnly(Refusal, PermissionDenied):
    """The caller has an access token, and the operation needs a user's own session."""

    status_code = 403
    default_detail = _("This needs a session of the site, not an access token.")
    default_code = "first_party_only"


class NotOffered(Refusal, PermissionDenied):
    """The view does not declare this operation."""

    status_code = 403
    default_detail = _("This operation is not offered.")
    default_code = "not_offered"


class Unrecorded(Refusal, PermissionDenied):
    """The view tried to write rows of api_guard without a record in the ledger."""

    status_code = 403
    default_detail = _("This cannot be written here.")
    default_code = "unrecorded"


class UndeclaredEndpoint(Refusal, PermissionDenied):
    """The view has no guard, and is not exempt."""

    status_code = 403
    default_detail = _("This endpoint is not open.")
    default_code = "undeclared_endpoint"


class Unsealed(Refusal, PermissionDenied):
    """The view answered without a decision."""

    status_code = 403
    default_detail = _("This endpoint is not open.")
    default_code = "unsealed"


class UncheckedObject(Refusal, PermissionDenied):
    """The view answered and its object rule did not run."""

    status_code = 403
    default_detail = _("The guard did not check this object.")
    default_code = "unchecked_object"


class RuleFailed(Refusal, PermissionDenied):
    """An object rule or a permission raised instead of answering."""

    status_code = 403
    default_detail = _("Access could not be decided.")
    default_code = "rule_failed"


class OutsideYourObjects(Refusal, PermissionDenied):
    """A write would leave an object outside the caller's objects."""

    status_code = 403
    default_detail = _("This change would leave an object that is not yours.")
    default_code = "outside_your_objects"
