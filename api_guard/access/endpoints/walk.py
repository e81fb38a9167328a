"""Walks the URLconf: routes, methods, actions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.db.models import Model
from django.urls import URLResolver, get_resolver, get_urlconf

from api_guard.access.endpoints.owners import leads_to_user
from api_guard.access.endpoints.statuses import Status, listed_class_of, status_of
from api_guard.access.endpoints.subjects import model_of
from api_guard.access.endpoints.tables import shared_root
from api_guard.access.endpoints.views import dotted_path, initkwarg, plain_view, policy_of
from api_guard.core.policy import (
    Operation,
    Policy,
)
from api_guard.core.requirements import Requirement

ANY_METHOD = "ANY"


@dataclass(frozen=True)
class Endpoint:
    """One route × method × action of the URLconf.

    `policy` and `requirement` are None where the view has no guard, or its guard is silent here.
    """

    route: str
    operation: Operation
    view: str
    status: Status
    policy: Policy | None = None
    requirement: Requirement | None = None
    view_class: type | None = None


@dataclass(frozen=True)
class Route:
    """A route to a view of DRF, or to any view below `API_GUARD["PREFIXES"]` (no `view_class`)."""

    path: str
    callback: Callable[..., Any]
    view_class: type | None


def routes(urlconf: str | None = None) -> tuple[Route, ...]:
    """Return every route to a DRF view, in the order of the URLconf."""
    return _routes(_current(urlconf))


def _current(urlconf: str | None) -> str | None:
    return urlconf or get_urlconf() or getattr(settings, "ROOT_URLCONF", None)


@cache
def _routes(urlconf: str | None) -> tuple[Route, ...]:
    return tuple(
        Route(path, callback, listed_class_of(callback))
        for path, callback in callbacks(urlconf)
        if status_of(callback, path) is not None
    )


def callbacks(urlconf: str | None = None) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield every route with what answers it, a plain view too."""
    current = _current(urlconf)
    if current:
        yield from _walk(get_resolver(current), "/")


def _forget(*, setting: str, **_: object) -> None:
    if setting in ("ROOT_URLCONF", "API_GUARD"):
        _routes.cache_clear()
        _routed_over.cache_clear()
        _models_everywhere.cache_clear()


setting_changed.connect(_forget)


def _walk(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    for pattern in resolver.url_patterns:
        path = prefix + str(pattern.pattern).removeprefix("^")
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern, path)
        else:
            yield path, pattern.callback


def endpoints(urlconf: str | None = None) -> Iterator[Endpoint]:
    """Yield every endpoint of the URLconf."""
    for route in routes(urlconf):
        for operation in operations(route):
            yield _endpoint(route, operation)


def operations(route: Route) -> Iterator[Operation]:
    """Yield what a route answers: methods, HEAD and OPTIONS too, and the actions behind them."""
    cls, actions = route.view_class, getattr(route.callback, "actions", None)
    if cls is None:
        yield Operation(ANY_METHOD)
        return
    names = initkwarg(route.callback, cls, "http_method_names")
    if actions:
        bound = dict(actions)
        if "get" in bound:
            bound.setdefault("head", bound["get"])
        yield from (Operation(m.upper(), a) for m, a in bound.items() if m in names)
    else:
        bound = {name: None for name in names if hasattr(cls, name) and name != "options"}
        if "get" in bound and "head" in names:
            bound["head"] = None
        yield from (Operation(name.upper()) for name in bound)
    if "options" in names and "options" not in (actions or ()):
        yield Operation("OPTIONS", "metadata" if actions else None)


def _endpoint(route: Route, operation: Operation) -> Endpoint:
    status = status_of(route.callback, route.path) or Status.UNKNOWN
    cls = route.view_class
    if cls is None:
        return Endpoint(route.path, operation, dotted_path(plain_view(route.callback)), status)
    policy = policy_of(cls)
    requirement = policy.requirement_for(operation) if policy is not None else None
    if status is Status.GUARDED and requirement is not None and requirement.is_public:
        status = Status.PUBLIC
    return Endpoint(route.path, operation, dotted_path(cls), status, policy, requirement, cls)


def _routes_of_all(urlconf: str | None) -> Iterator[Route]:
    """Yield the routes of this URLconf, and of the site's where a middleware has chosen another."""
    yield from _routes(urlconf)
    if urlconf != (root := getattr(settings, "ROOT_URLCONF", None)):
        yield from _routes(root)


def policies_over(model: type[Model], view_class: type) -> tuple[tuple[Policy, type[Model]], ...]:
    """Return the policies with an object rule over `model`, or over what shares its rows.

    Each with the model that it is about; those of every reachable view, and of the view at work,
    routed or not.
    """
    routed = _routed_over(model, _current(None))
    # Not kept: a class may have been made for this request alone.
    own = None if view_class in routed else _ruling(view_class, {}, model)
    return (*(() if own is None else (own,)), *routed.values())


def rulers_of(model: type[Model], view_class: type) -> tuple[type, ...]:
    """Return the other views whose object rules `policies_over` finds."""
    return tuple(cls for cls in _routed_over(model, _current(None)) if cls is not view_class)


@cache
def _routed_over(model: type[Model], urlconf: str | None) -> dict[type, tuple[Policy, type[Model]]]:
    found: dict[type, tuple[Policy, type[Model]]] = {}
    for route in _routes_of_all(urlconf):
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
    # An owner that leads from the model to no user (E016) says nothing of other views.
    says = policy.objects or any(leads_to_user(own, each) for each in policy.owner.values())
    return (policy, own) if says else None


def models_everywhere() -> tuple[type[Model], ...]:
    """Return the models whose object rules hold in every guarded view: `hold="everywhere"`."""
    return _models_everywhere(_current(None))


@cache
def _models_everywhere(urlconf: str | None) -> tuple[type[Model], ...]:
    found: dict[type[Model], None] = {}
    for route in _routes_of_all(urlconf):
        policy, model = policy_of(route.view_class), model_of(route.view_class, _initkwargs(route))
        if policy is not None and policy.is_everywhere and model is not None:
            found.setdefault(model)
    return tuple(found)


def _initkwargs(route: Route) -> dict[str, Any]:
    kept: dict[str, Any] = getattr(route.callback, "initkwargs", {})
    return kept
