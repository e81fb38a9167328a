"""Refuses a successful answer for which the guard made no decision."""

from __future__ import annotations

import logging

from django.http import HttpRequest, HttpResponseBase

from api_guard.access.decisions import record_refused
from api_guard.access.endpoints import dotted_path, policy_of, view_class_of
from api_guard.access.failures import in_place_of
from api_guard.access.record import is_covered, undecided, was_decided, was_refused
from api_guard.core.operations import Operation
from api_guard.exceptions import Unsealed

logger = logging.getLogger("api_guard")

# Attributes of a request: the view classes that should answer, and the routed callback.
VIEWS = "_api_guard_views"
ROUTED = "_api_guard_routed_view"


def seal(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Return `response`, or a refusal if it is a success without a decision."""
    if response.status_code >= 400:
        return response
    loose = undecided(request) or _passed_by(request)
    if not loose or is_covered(request):
        return response
    if _is_from_cache(request) and _is_public(request):
        return response  # it was decided when it was stored, and is public
    logger.error(
        "%s: %s %s was answered without a decision: refused, but what the view did is not undone. "
        "If the view has its own dispatch(), call super().dispatch() in it. If a cache, a "
        "decorator or another middleware answered for the view, move that into the view.",
        dotted_path(loose[0]),
        request.method,
        request.path_info,
    )
    refusal = Unsealed()
    record_refused(refusal, request, endpoint=loose[0])
    return in_place_of(response, refusal.answer())


def _passed_by(request: HttpRequest) -> tuple[type, ...]:
    """Return the views that should have answered, if other code answered before them."""
    views: tuple[type, ...] = getattr(request, VIEWS, ())
    has_answered = any(was_decided(request, cls) or was_refused(request, cls) for cls in views)
    return () if has_answered else views


def _is_public(request: HttpRequest) -> bool:
    """Whether the routed view is public."""
    view = getattr(request, ROUTED, None)
    view_class = None if view is None else view_class_of(view)
    method = str(request.method)
    policy, actions = policy_of(view_class), getattr(view, "actions", None) or {}
    operation = Operation(method, actions.get(method.lower()))
    requirement = policy.requirement_for(operation) if policy is not None else None
    return requirement is not None and requirement.is_public


def _is_from_cache(request: HttpRequest) -> bool:
    """Whether this answer comes from Django's cache middleware or `cache_page`."""
    # For other methods the flag only means that the answer will not be stored.
    is_kept = request.method in ("GET", "HEAD")
    return is_kept and getattr(request, "_cache_update_cache", True) is False
