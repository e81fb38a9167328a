"""Remembers on a request, for the seal, which views answered it and which allowed it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from rest_framework.request import Request

from api_guard.access.endpoints import is_exempt_callback

if TYPE_CHECKING:
    from rest_framework.views import APIView

_ROUTED = "_api_guard_routed"
_DECIDED = "_api_guard_decided"
_SCOPES = "_api_guard_scopes"
_REFUSED = "_api_guard_refused"
_UNDECIDED = "_api_guard_undecided"


def http_of(request: Any) -> HttpRequest | None:
    """Return Django's own request, as the middleware sees it."""
    found = request if isinstance(request, HttpRequest) else getattr(request, "_request", None)
    return found if isinstance(found, HttpRequest) else None


def record_route(request: HttpRequest, callback: Callable[..., Any]) -> None:
    """Remember the view that Django has chosen for the request."""
    setattr(request, _ROUTED, callback)


def is_covered(request: HttpRequest) -> bool:
    """Whether the chosen view is exempt. If so, every view that it calls is exempt too."""
    callback = request.__dict__.get(_ROUTED)
    if callback is None:  # our middleware is missing, or has not run yet
        callback = getattr(request.resolver_match, "func", None)
    return callback is not None and is_exempt_callback(callback)


def record_decision(request: Request, view: APIView, scopes: Iterable[str] = ()) -> None:
    """Remember, for the seal, that `view` has allowed this request.

    `scopes` are those that a HasScopes required.
    """
    # By class, because a view may pass its request on to another view with its own decision.
    decided: set[type] = request._request.__dict__.setdefault(_DECIDED, set())
    decided.add(type(view))
    if scopes:
        required: dict[type, set[str]] = request._request.__dict__.setdefault(_SCOPES, {})
        required.setdefault(type(view), set()).update(scopes)


def scopes_required(request: HttpRequest, view_class: type) -> frozenset[str]:
    """Return the scopes that were required of the request by the HasScopes of a view."""
    return frozenset(request.__dict__.get(_SCOPES, {}).get(view_class, ()))


def was_decided(request: HttpRequest, view_class: type) -> bool:
    """Whether a view of this class has allowed the request."""
    return view_class in request.__dict__.get(_DECIDED, ())


def record_refusal(request: HttpRequest, view_class: type) -> None:
    """Remember that a view of this class has answered the request with a refusal or an error."""
    refused: set[type] = request.__dict__.setdefault(_REFUSED, set())
    refused.add(view_class)


def was_refused(request: HttpRequest, view_class: type) -> bool:
    """Whether a view of this class has answered the request with a refusal or an error."""
    return view_class in request.__dict__.get(_REFUSED, ())


def record_undecided(request: HttpRequest, view_class: type) -> None:
    """Remember that a view of this class has answered without a decision."""
    request.__dict__.setdefault(_UNDECIDED, []).append(view_class)


def undecided(request: HttpRequest) -> tuple[type, ...]:
    """Return the classes of the views that answered without a decision."""
    return tuple(request.__dict__.get(_UNDECIDED, ()))
