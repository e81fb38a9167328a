"""Refusals of a caller that is known, and of views that nobody vouches for."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import PermissionDenied

from api_guard.core.challenges import bearer_challenge
from api_guard.exceptions.refusal import Refusal


class InsufficientScope(Refusal, PermissionDenied):
    """The caller is known and does not have the scopes."""

    status_code = 403
    default_detail = _("You have not been granted the scope that this needs.")
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
    """Only the site's staff may."""

    status_code = 403
    default_detail = _("Only staff may do this.")
    default_code = "staff_only"


class UserOnly(Refusal, PermissionDenied):
    """A client on its own behalf came where a user is needed."""

    status_code = 403
    default_detail = _("Only a user may do this, not a client on its own behalf.")
    default_code = "user_only"


class FirstPartyOnly(Refusal, PermissionDenied):
    """A token came where only a user's own session will do."""

    status_code = 403
    default_detail = _("This is for the site's own sessions, not for access tokens.")
    default_code = "first_party_only"


class NotOffered(Refusal, PermissionDenied):
    """The view says nothing of this operation."""

    status_code = 403
    default_detail = _("This operation is not offered.")
    default_code = "not_offered"


class UndeclaredEndpoint(Refusal, PermissionDenied):
    """The view has no guard, and is not exempt."""

    status_code = 403
    default_detail = _("This endpoint is not open.")
    default_code = "undeclared_endpoint"


class Unsealed(Refusal, PermissionDenied):
    """The view answered without a decision behind it."""

    status_code = 403
    default_detail = _("This endpoint is not open.")
    default_code = "unsealed"


class UncheckedObject(Refusal, PermissionDenied):
    """The view answered without its object rule having run."""

    status_code = 403
    default_detail = _("This object could not be shown to be yours.")
    default_code = "unchecked_object"


class RuleFailed(Refusal, PermissionDenied):
    """An object rule or a permission raised instead of answering."""

    status_code = 403
    default_detail = _("Access could not be decided.")
    default_code = "rule_failed"


class OutsideYourObjects(Refusal, PermissionDenied):
    """What was written would lie outside the caller's objects."""

    status_code = 403
    default_detail = _("What you wrote would lie outside your objects.")
    default_code = "outside_your_objects"
