"""What is kept on a request for the seal: which views answered it, and what let it in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from rest_framework.request import Request

from api_guard.access.endpoints import is_exempt_callback

if TYPE_CHECKING:
    from rest_framework.views import APIView

_ROUTED = "_api_guard_routed"
_DECIDED = "_api_guard_decided"
_REFUSED = "_api_guard_refused"
_UNDECIDED = "_api_guard_undecided"


def http_of(request: Any) -> HttpRequest | None:
    """Return Django's request, which is the one that the middleware sees."""
    found = request if isinstance(request, HttpRequest) else getattr(request, "_request", None)
    return found if isinstance(found, HttpRequest) else None


def record_route(request: HttpRequest, callback: Callable[..., Any]) -> None:
    """Remember what Django has chosen to answer the request."""
    setattr(request, _ROUTED, callback)


def is_covered(request: HttpRequest) -> bool:
    """Whether what answers the request is exempt, and with it every view that it calls."""
    callback = request.__dict__.get(_ROUTED)
    if callback is None:  # no middleware of ours, or one before it asks
        callback = getattr(request.resolver_match, "func", None)
    return callback is not None and is_exempt_callback(callback)


def record_decision(request: Request, view: APIView) -> None:
    """Remember that `view` has let this request in, for the seal to find."""
    # By class, because a view may hand its request on to another, whose decision is not its own.
    decided: set[type] = request._request.__dict__.setdefault(_DECIDED, set())
    decided.add(type(view))


def was_decided(request: HttpRequest, view_class: type) -> bool:
    """Whether a view of this class has let the request in."""
    return view_class in request.__dict__.get(_DECIDED, ())


def record_refusal(request: HttpRequest, view_class: type) -> None:
    """Remember that a view of this class has answered the request with a refusal or an error."""
    refused: set[type] = request.__dict__.setdefault(_REFUSED, set())
    refused.add(view_class)


def was_refused(request: HttpRequest, view_class: type) -> bool:
    """Whether a view of this class has answered the request with a refusal or an error."""
    return view_class in request.__dict__.get(_REFUSED, ())


def record_undecided(request: HttpRequest, view_class: type) -> None:
    """Remember that a view of this class has answered, and that nothing had let the request in."""
    request.__dict__.setdefault(_UNDECIDED, []).append(view_class)


def undecided(request: HttpRequest) -> tuple[type, ...]:
    """Return the classes of the views that answered without a decision."""
    return tuple(request.__dict__.get(_UNDECIDED, ()))
