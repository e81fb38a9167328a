"""Finds the views whose object rules apply to a model."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.core.signals import setting_changed
from django.db.models import Model

from api_guard.access.endpoints.owners import leads_to_user
from api_guard.access.endpoints.subjects import model_of
from api_guard.access.endpoints.tables import shared_root
from api_guard.access.endpoints.views import policy_of
from api_guard.access.endpoints.walk import Route, current_urlconf, routes_of_all
from api_guard.core.policy import Policy


def policies_over(model: type[Model], view_class: type) -> tuple[tuple[Policy, type[Model]], ...]:
    """Return the policies with an object rule over `model`, or over a model that shares its rows.

    Each comes with its model. They are the policies of every reachable view, and of the current
    view even if it has no route.
    """
    routed = _routed_over(model, current_urlconf())
    # Do not cache it: the class may have been made for this request only.
    own = None if view_class in routed else _ruling(view_class, {}, model)
    return (*(() if own is None else (own,)), *routed.values())


def rulers_of(model: type[Model], view_class: type) -> tuple[type, ...]:
    """Return the other views whose object rules `policies_over` finds."""
    return tuple(cls for cls in _routed_over(model, current_urlconf()) if cls is not view_class)


@cache
def _routed_over(model: type[Model], urlconf: str | None) -> dict[type, tuple[Policy, type[Model]]]:
    found: dict[type, tuple[Policy, type[Model]]] = {}
    for route in routes_of_all(urlconf):
        ruling = _ruling(route.view_class, _initkwargs(route), model)
        if route.view_class is not None and ruling is not None:
            found.setdefault(route.view_class, ruling)
    return found


def _ruling(
    cls: type | None, initkwargs: dict[str, Any], model: type[Model]
) -> tuple[Policy, type[Model]] | None:
    policy = policy_of(cls)
    if policy is None or not policy.has_object_rule:
        return None
    own = model_of(cls, initkwargs)
    if own is None or shared_root(own, model) is None:
        return None
    # An owner that does not lead from the model to a user (E016) does not matter to other views.
    says = policy.objects or any(leads_to_user(own, each) for each in policy.owner.values())
    return (policy, own) if says else None


def models_everywhere() -> tuple[type[Model], ...]:
    """Return the models whose rules apply in every guarded view: `hold="everywhere"`."""
    return _models_everywhere(current_urlconf())


@cache
def _models_everywhere(urlconf: str | None) -> tuple[type[Model], ...]:
    found: dict[type[Model], None] = {}
    for route in routes_of_all(urlconf):
        policy, model = policy_of(route.view_class), model_of(route.view_class, _initkwargs(route))
        if policy is not None and policy.is_everywhere and model is not None:
            found.setdefault(model)
    return tuple(found)


def _initkwargs(route: Route) -> dict[str, Any]:
    kept: dict[str, Any] = getattr(route.callback, "initkwargs", {})
    return kept


def _forget(*, setting: str, **_: object) -> None:
    if setting in ("ROOT_URLCONF", "API_GUARD"):
        _routed_over.cache_clear()
        _models_everywhere.cache_clear()


setting_changed.connect(_forget)
