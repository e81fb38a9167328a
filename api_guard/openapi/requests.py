"""Describes the views of `api_guard.requests`, which answer without serializers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.extensions import OpenApiViewExtension
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers

from api_guard.models import GRANTEES, GrantRequest
from api_guard.openapi.components import REFUSAL, reference
from api_guard.pagination import PageNumberPagination
from api_guard.requests.bodies import ApprovedBody, AskedBody, EndedBody

# No row has the state "open": its column is empty then.
_STATES = [value or "open" for value in GrantRequest.Outcome.values]


class RequestableScope(serializers.Serializer[Any]):
    """A scope that the user may ask for."""

    scope = serializers.CharField()
    description = serializers.CharField()
    group = serializers.CharField()
    approvals = serializers.IntegerField(help_text="How many users have to approve.")
    max_days = serializers.IntegerField(
        allow_null=True, help_text="How many days it may last at most."
    )


class RequestableScopes(serializers.Serializer[Any]):
    """All of them."""

    results = RequestableScope(many=True)


class AskedScope(serializers.Serializer[Any]):
    """A request for a scope, as its user sees it."""

    id = serializers.IntegerField()
    scope = serializers.CharField()
    reason = serializers.CharField()
    until = serializers.DateTimeField(allow_null=True, help_text="When the grant would expire.")
    state = serializers.ChoiceField(_STATES)
    asked_at = serializers.DateTimeField()
    closes_at = serializers.DateTimeField(help_text="Until when it can be decided.")
    approvals = serializers.IntegerField()
    approvals_needed = serializers.IntegerField()
    decided_at = serializers.DateTimeField(allow_null=True)
    decision_reason = serializers.CharField()


class RequestingGrantee(serializers.Serializer[Any]):
    """Who would hold the grant."""

    kind = serializers.ChoiceField(list(GRANTEES))
    name = serializers.CharField()


class DecidableScope(AskedScope):
    """A request for a scope, as those who decide it see it."""

    grantee = RequestingGrantee()
    asked_by = serializers.CharField(allow_null=True)


def _told(name: str, summary: str, status: int, answer: Any, body: Any = None) -> Any:
    conflict = OpenApiResponse(reference(REFUSAL), "Not possible in this state.")
    return extend_schema(
        operation_id=f"access_{name}",
        summary=summary,
        request=body,
        responses={status: answer, **({409: conflict} if body else {})},
        tags=["access"],
    )


_TOLD: Mapping[str, Mapping[str, Any]] = {
    "Scopes": {"get": _told("scopes", "The scopes to ask for", 200, RequestableScopes)},
    "Requests": {
        "get": _told("requests", "Your requests", 200, AskedScope(many=True)),
        "post": _told("ask", "Ask for a scope", 201, AskedScope, AskedBody),
    },
    "OneRequest": {"get": _told("request", "One of your requests", 200, AskedScope)},
    "Withdrawal": {"post": _told("withdraw", "Withdraw a request", 200, AskedScope, EndedBody)},
    "Decisions": {
        "get": _told("decisions", "The requests to decide", 200, DecidableScope(many=True))
    },
    "Approval": {"post": _told("approve", "Approve a request", 200, DecidableScope, ApprovedBody)},
    "Refusal": {"post": _told("decline", "Decline a request", 200, DecidableScope, EndedBody)},
}


class RequestViews(OpenApiViewExtension):  # type: ignore[no-untyped-call]
    """Describes each of the views, also where `with_scopes` has made a subclass of it."""

    target_class = "api_guard.requests.views._View"
    match_subclasses = True

    def view_replacement(self) -> Any:
        """Return the view with what is told about it."""
        target: Any = self.target
        name = next(each.__name__ for each in target.__mro__ if each.__name__ in _TOLD)
        told = type(name, (target,), {"pagination_class": PageNumberPagination})
        return extend_schema_view(**_TOLD[name])(told)
