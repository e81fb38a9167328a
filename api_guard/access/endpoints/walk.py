"""Walks the URLconf: routes, methods, actions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.urls import URLResolver, get_resolver, get_urlconf

from api_guard.access.endpoints.composed import required_by
from api_guard.access.endpoints.listed import listed_of
from api_guard.access.endpoints.statuses import Status, listed_class_of, status_of
from api_guard.access.endpoints.views import dotted_path, initkwarg, plain_view, policy_of
from api_guard.core.operations import Operation
from api_guard.core.policy import Policy
from api_guard.core.requirements import Requirement

ANY_METHOD = "ANY"


@dataclass(frozen=True)
class Endpoint:
    """One route × method × action of the URLconf.

    `policy` is None if the view has no guard; `requirement` is None if nothing is declared here.
    `declared` are the requirements of `HasScopes` in the permission classes of a view without one.
    """

    route: str
    operation: Operation
    view: str
    status: Status
    policy: Policy | None = None
    requirement: Requirement | None = None
    view_class: type | None = None
    declared: tuple[str, ...] = ()


@dataclass(frozen=True)
class Route:
    """A route to a view of DRF, or to any view below `API_GUARD["PREFIXES"]` (no `view_class`)."""

    path: str
    callback: Callable[..., Any]
    view_class: type | None


def routes(urlconf: str | None = None) -> tuple[Route, ...]:
    """Return every route to a DRF view, in the order of the URLconf."""
    return _routes(current_urlconf(urlconf))


def current_urlconf(urlconf: str | None = None) -> str | None:
    """Return `urlconf`, or by default the URLconf of the current request or of the site."""
    return urlconf or get_urlconf() or getattr(settings, "ROOT_URLCONF", None)


@cache
def _routes(urlconf: str | None) -> tuple[Route, ...]:
    return tuple(
        Route(path, callback, listed_class_of(callback))
        for path, callback in callbacks(urlconf)
        if status_of(callback, path) is not None
    )


def callbacks(urlconf: str | None = None) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield every route with its callback, also of plain views."""
    current = current_urlconf(urlconf)
    if current:
        yield from _walk(get_resolver(current), "/")


def _forget(*, setting: str, **_: object) -> None:
    if setting in ("ROOT_URLCONF", "API_GUARD"):
        _routes.cache_clear()


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
    """Yield the methods that a route answers (also HEAD and OPTIONS) and their actions."""
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
    permissions = () if policy else listed_of(route.callback, cls)
    declared = tuple(required_by(permissions))
    view = dotted_path(cls)
    return Endpoint(route.path, operation, view, status, policy, requirement, cls, declared)


def routes_of_all(urlconf: str | None) -> Iterator[Route]:
    """Yield the routes of this URLconf, and the site's if a middleware has chosen another one."""
    yield from _routes(urlconf)
    if urlconf != (root := getattr(settings, "ROOT_URLCONF", None)):
        yield from _routes(root)
