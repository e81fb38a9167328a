"""The views: what a user can ask for, its requests, and the requests that it may decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, cast

from django.db.models import Model, QuerySet
from django.http import Http404
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import ANY_OBJECT, SIGNED_IN, grants, guard
from api_guard.core.requirements import Required
from api_guard.decorators import Guard
from api_guard.models import GRANTEES, GrantRequest
from api_guard.pagination import PageNumberPagination
from api_guard.parsers import JSONParser
from api_guard.requests.bodies import (
    ApprovedBody,
    AskedBody,
    EndedBody,
    shown,
    shown_scope,
    shown_to_decide,
)
from api_guard.serializers import StrictSerializer

RATES = {"read": "120/m", "write": "30/m"}


def guarded(requirement: Required) -> Guard:
    """Return the guard of these views. They find only what the user has asked for or may decide."""
    return guard(read=requirement, write=requirement, throttle=RATES, objects=ANY_OBJECT)


# A token does not meet a standing alone: these views are for sessions. `routes` tells the rest.
first_party = guarded(SIGNED_IN)


class _View(APIView):
    parser_classes = (JSONParser,)
    # The version is in the path.
    versioning_class = None

    def page(self, rows: QuerySet[GrantRequest], show: Callable[[GrantRequest], Any]) -> Response:
        """Return a page of requests."""
        pages = PageNumberPagination()
        found: Any = pages.paginate_queryset(_whole(rows), self.request, view=self)
        return pages.get_paginated_response([show(row) for row in found])

    def body(self, of: type[StrictSerializer]) -> dict[str, Any]:
        """Return the valid body. Raises ValidationError."""
        serializer = of(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)


@first_party
class Scopes(_View):
    """The scopes that can be asked for."""

    def get(self, request: Request) -> Response:
        """List them."""
        del request
        found = grants.requestable_scopes().items()
        return Response({"results": [shown_scope(name, terms) for name, terms in found]})


@first_party
class Requests(_View):
    """The requests of the user, and a new one."""

    def get(self, request: Request) -> Response:
        """List them, the newest first."""
        return self.page(grants.requests_of(_user(request)), shown)

    def post(self, request: Request) -> Response:
        """Ask for a scope."""
        asked = self.body(AskedBody)
        until = timezone.now() + timedelta(days=asked["days"])
        with _told():
            row = grants.request(
                asked["scope"], by=_user(request), reason=asked["reason"], expires_at=until
            )
        return Response(shown(row), status=201)


@first_party
class OneRequest(_View):
    """A request of the user."""

    def get(self, request: Request, pk: int) -> Response:
        """Show it."""
        return Response(shown(_one(grants.requests_of(_user(request)), pk)))


@first_party
class Withdrawal(_View):
    """Withdraws a request of the user."""

    def post(self, request: Request, pk: int) -> Response:
        """Withdraw it."""
        row = _one(grants.requests_of(_user(request)), pk)
        reason = self.body(EndedBody)["reason"]
        with _told():
            return Response(shown(grants.withdraw(row, by=_user(request), reason=reason)))


@first_party
class Decisions(_View):
    """The open requests that the user may decide."""

    def get(self, request: Request) -> Response:
        """List them, the oldest first."""
        return self.page(grants.decidable(_user(request)), shown_to_decide)


@first_party
class Approval(_View):
    """Approves a request, as it is or with an earlier end."""

    def post(self, request: Request, pk: int) -> Response:
        """Approve it."""
        row = _one(grants.judged_by(_user(request)), pk)
        until = self.body(ApprovedBody)["until"]
        with _told():
            grants.approve(row, by=_user(request), expires_at=until)
        return Response(shown_to_decide(row))


@first_party
class Refusal(_View):
    """Declines a request."""

    def post(self, request: Request, pk: int) -> Response:
        """Decline it."""
        row = _one(grants.judged_by(_user(request)), pk)
        reason = self.body(EndedBody)["reason"]
        with _told():
            grants.decline(row, by=_user(request), reason=reason)
        return Response(shown_to_decide(row))


def _user(request: Request) -> Model:
    """Return who asks or decides. The guard admits only users."""
    return cast("Model", request.user)


def _one(rows: QuerySet[GrantRequest], pk: int) -> GrantRequest:
    row = rows.filter(pk=pk).select_related(*GRANTEES, "asked_by").first()
    if row is None:
        raise Http404
    return row


def _whole(rows: QuerySet[GrantRequest]) -> QuerySet[GrantRequest]:
    return rows.select_related(*GRANTEES, "asked_by").prefetch_related("approvals")


@contextmanager
def _told() -> Iterator[None]:
    """Tell the user why it was refused: the message is about this request."""
    try:
        yield
    except grants.GrantError as error:
        raise grants.refusal_of(error, error.detail) from error
