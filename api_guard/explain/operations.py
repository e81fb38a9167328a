"""Finds the operation that a request asks a view for, and the permissions of the view."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any

from api_guard.access.endpoints import (
    dotted_path,
    initkwarg,
    is_and,
    listed_of,
    operation_of,
    sides_of,
)
from api_guard.core.operations import Operation
from api_guard.core.requirements import Requirement
from api_guard.permissions import Guarded, HasScopes


def operation_at(callback: Any, method: str) -> Operation:
    """Return the operation that a method asks a routed view for."""
    view = SimpleNamespace(action_map=_actions(callback))
    return operation_of(view, SimpleNamespace(method=method))


def handles(callback: Any, cls: type, operation: Operation) -> bool:
    """Whether a routed view has a handler for an operation."""
    name = operation.method.lower()
    is_bound = name in _actions(callback) or hasattr(cls, name) or _is_head(cls, name)
    return name in initkwarg(callback, cls, "http_method_names") and is_bound


def permissions_of(callback: Any, cls: type) -> Iterator[tuple[Requirement | None, str]]:
    """Yield the permissions of a view, each with its requirement where it is `HasScopes`."""
    yield from _flat(listed_of(callback, cls))


def _flat(permissions: Iterable[Any]) -> Iterator[tuple[Requirement | None, str]]:
    for permission in permissions:
        if isinstance(permission, HasScopes):
            yield permission.requirement, "HasScopes"
        elif is_and(permission):
            yield from _flat(sides_of(permission))
        elif permission is not Guarded:
            yield None, _name(permission)


def _name(permission: Any) -> str:
    return dotted_path(permission) if isinstance(permission, type) else str(permission)


def _actions(callback: Any) -> dict[str, str]:
    actions = dict(getattr(callback, "actions", None) or {})
    if "get" in actions:
        actions.setdefault("head", actions["get"])  # as DRF does when it makes the view
    return actions


def _is_head(cls: type, name: str) -> bool:
    return name == "head" and hasattr(cls, "get")
