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
    listed_of,
    plain_view,
    policy_of,
    routes,
    sides_of,
    view_classes_of,
)
from api_guard.checks.leading import Lead, overrides
from api_guard.core.names import did_you_mean
from api_guard.decorators.plain import is_upside_down
from api_guard.permissions import HasScopes


def _with_status(status: Status) -> dict[str, Endpoint]:
    found: dict[str, Endpoint] = {}
    for endpoint in endpoints():
        if endpoint.status is status:
            found.setdefault(endpoint.view, endpoint)
    return found


def check_endpoints(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E002: every routed view has a guard, or is exempt. One message for each module."""
    del app_configs
    by_module: dict[tuple[str, bool], list[Endpoint]] = {}  # plain views apart
    unexplained = conf.without_reason()  # E001 names them
    for view, endpoint in _with_status(Status.UNGUARDED).items():
        if view in unexplained:
            continue
        cls = endpoint.view_class
        module = cls.__module__ if cls else view.rpartition(".")[0]
        by_module.setdefault((module, cls is None), []).append(endpoint)
    return [
        Error(_unguarded(module, found), hint=_way_in(found[0]), id="api_guard.E002")
        for (module, _), found in by_module.items()
    ]


def _unguarded(module: str, found: list[Endpoint]) -> str:
    if len(found) == 1:
        return f"{found[0].view} is routed at {found[0].route} and has no guard."
    named = [f"{each.view.removeprefix(f'{module}.')} at {each.route}" for each in found[:_NAMED]]
    more = [f"and {len(found) - _NAMED} more"] if len(found) > _NAMED else []
    return f"{len(found)} views in {module} have no guard: {', '.join([*named, *more])}."


# How many views one message names.
_NAMED = 10


def _way_in(endpoint: Endpoint) -> str:
    exempt = f'API_GUARD = {{"EXEMPT": {{"{endpoint.view}": "the reason"}}, ...}}.'
    if endpoint.operation.method == ANY_METHOD:
        return f'Write @guard(read="some:scope") above it, or name it in {exempt} {_PATCH}'
    if is_upside_down(endpoint.view_class):
        return "Write @guard above @api_view, as the outermost line."
    return (
        'Write @guard(read="some:scope", write="some:scope") above it, or route '
        f"guard(...)(TheView) for a view of another package, or name it in {exempt} {_PATCH}"
    )


_PATCH = "manage.py guard_init proposes a guard for every view of the project, as a patch."


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
            classes = listed_of(route.callback, route.view_class)
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
