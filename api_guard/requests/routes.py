"""The routes of the API, for sessions, or for sessions and tokens that carry a scope for it."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, path

from api_guard import SIGNED_IN
from api_guard.requests import views

NAMESPACE = "api_guard_requests"


def first_party() -> list[URLPattern]:
    """Return the routes for users with a session. A token is refused, whatever it carries."""
    return _routes(_itself, _itself)


def with_scopes(*, ask: str, decide: str) -> tuple[list[URLPattern], str]:
    """Return the routes for users who hold `ask`, or `decide`; write it into `include()`.

    A token must carry the scope too: a stolen token that only reads cannot ask for more. Raises
    GuardError if one of them is not the name of a scope.
    """
    asks, decides = views.guarded((SIGNED_IN, ask)), views.guarded((SIGNED_IN, decide))
    return _routes(asks, decides), NAMESPACE


def _itself(view: Any) -> Any:
    return view


def _routes(asks: Any, decides: Any) -> list[URLPattern]:
    return [
        path("v1/scopes/", asks(views.Scopes).as_view(), name="scopes"),
        path("v1/requests/", asks(views.Requests).as_view(), name="requests"),
        path("v1/requests/<int:pk>/", asks(views.OneRequest).as_view(), name="request"),
        path("v1/requests/<int:pk>/withdraw/", asks(views.Withdrawal).as_view(), name="withdraw"),
        path("v1/decisions/", decides(views.Decisions).as_view(), name="decisions"),
        path("v1/decisions/<int:pk>/approve/", decides(views.Approval).as_view(), name="approve"),
        path("v1/decisions/<int:pk>/decline/", decides(views.Refusal).as_view(), name="decline"),
    ]
