"""Checks of the views that the URLconf reaches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Error

from api_guard import conf
from api_guard.access.endpoints import (
    ANY_METHOD,
    Endpoint,
    Status,
    callbacks,
    dotted_path,
    endpoints,
    exemptions_of,
    initkwarg,
    plain_view,
    policy_of,
    routes,
    sides_of,
    view_classes_of,
)
from api_guard.checks.leading import Lead, overrides
from api_guard.core.scopes import did_you_mean
from api_guard.permissions import HasScopes


def _with_status(status: Status) -> dict[str, Endpoint]:
    found: dict[str, Endpoint] = {}
    for endpoint in endpoints():
        if endpoint.status is status:
            found.setdefault(endpoint.view, endpoint)
    return found


def check_endpoints(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E002: every routed view has a guard, or is exempt."""
    del app_configs
    return [
        Error(
            f"{view} is routed at {endpoint.route} and has no guard.",
            hint=_way_in(endpoint) + f'API_GUARD = {{"EXEMPT": {{"{view}": "the reason"}}, ...}}.',
            id="api_guard.E002",
        )
        for view, endpoint in _with_status(Status.UNGUARDED).items()
    ]


def _way_in(endpoint: Endpoint) -> str:
    if endpoint.operation.method == ANY_METHOD:
        return "Make it a view of Django REST framework and guard it, or name it in "
    return (
        'Write @guard(read="some:scope", write="some:scope") above it, or route '
        "guard(...)(TheView) for a view of another package, or name it in "
    )


def check_unknown(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E010: no override bypasses the requirements of a view."""
    del app_configs
    classes = {dotted_path(r.view_class): r.view_class for r in routes() if r.view_class}
    reasons = {view: _why_unknown(cls) for view, cls in classes.items()}
    return [
        Error(
            f"{view} is routed at {endpoint.route}, and its requirements may never be checked: "
            f"{reasons[view]}.",
            hint='Write @guard(read="some:scope", write="some:scope") as the outermost line above '
            "the class.",
            id="api_guard.E010",
        )
        for view, endpoint in _with_status(Status.UNKNOWN).items()
        if reasons[view] is not None
    ]


def _why_unknown(view_class: type) -> str | None:
    if policy_of(view_class) is not None:
        return "code replaced a hook of its guard after the class was made"
    # These two may check less than DRF's own, even if they call super().
    asking = [
        *overrides(view_class, "check_permissions"),
        *overrides(view_class, "get_permissions"),
    ]
    leading = [*overrides(view_class, "dispatch"), *overrides(view_class, "initial")]
    if asking or any(lead is Lead.NOWHERE for _, _, lead in leading):
        return (
            "permission_classes has HasScopes, and the view overrides the method that checks them"
        )
    return None


def check_exemptions(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """W024: every exemption belongs to a routed view."""
    del app_configs
    # Also a plain view outside PREFIXES: it may lead to a view that needs the exemption.
    views = {view: None for _, callback in callbacks() for view in _views_behind(callback)}
    used = {name for view in views for name in exemptions_of(view)}
    return [
        checks.Warning(
            f"API_GUARD['EXEMPT'] names {name!r}, which no route leads to.",
            hint="Remove it: a later view of this name would be open.",
            id="api_guard.W024",
        )
        for name in conf.exempt()
        if name not in used
    ]


def _views_behind(callback: Any) -> Iterator[Any]:
    yield plain_view(callback)
    yield from view_classes_of(callback)
    if hasattr(callback, "__qualname__"):
        yield callback


def check_scopes(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E003: every scope that a view requires is declared."""
    del app_configs
    declared = conf.scopes()
    missing: dict[str, str] = {}
    for view, name in _required():
        if name not in declared:
            missing.setdefault(name, view)
    return [
        Error(
            f"{view} requires the scope {name!r}, which is not declared."
            f"{did_you_mean(name, declared)}",
            hint=f'API_GUARD = {{"SCOPES": {{"{name}": "What it lets its grantee do", ...}}, ...}}',
            id="api_guard.E003",
        )
        for name, view in missing.items()
    ]


def _required() -> Iterator[tuple[str, str]]:
    for endpoint in endpoints():
        if endpoint.requirement is not None:
            yield from ((endpoint.view, name) for name in endpoint.requirement.scope_names)
    for route in routes():
        if route.view_class is not None:
            classes = initkwarg(route.callback, route.view_class)
            names = _named_by(classes)
            yield from ((dotted_path(route.view_class), name) for name in names)


def _named_by(permissions: Iterable[Any]) -> Iterator[str]:
    for permission in permissions:
        if isinstance(permission, HasScopes):
            yield from permission.requirement.scope_names
        yield from _named_by(sides_of(permission))


def check_silence(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E004: every routed operation has a requirement."""
    del app_configs
    silent: dict[tuple[str, str, str], None] = {}
    for endpoint in endpoints():
        operation = endpoint.operation
        # HEAD follows GET, and DRF always routes OPTIONS.
        if operation.method in ("HEAD", "OPTIONS"):
            continue
        if endpoint.policy is not None and endpoint.requirement is None:
            name = operation.action or operation.method
            silent.setdefault((endpoint.view, name, operation.slot))
    return [
        Error(
            f"{view} routes {name}, and its guard does not declare it: it is refused.",
            hint=f'Write {slot}=... or actions={{"{name}": ...}} in its @guard.',
            id="api_guard.E004",
        )
        for view, name, slot in silent
    ]
