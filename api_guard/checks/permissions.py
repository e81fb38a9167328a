"""Checks of the DRF permissions of guarded views."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Error
from rest_framework.permissions import OR, BasePermission

from api_guard.access.endpoints import dotted_path, is_and, listed_of, routes, sides_of
from api_guard.checks.parameters import names_object

_METHODS = ("has_permission", "has_object_permission")
# With this method, a view of adrf awaits permissions that are coroutines.
_AWAITS = "check_async_permissions"


def check_permission_classes(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E013, E014, W015: a permission checks what it seems to check."""
    del app_configs
    found: dict[tuple[str, str], CheckMessage] = {}
    for route in routes():
        if route.view_class is None:
            continue
        view = dotted_path(route.view_class)
        # If each request is for one object, a permission that checks objects is enough.
        is_detail = hasattr(route.view_class, "get_object") and names_object(route.path)
        for message in _judge(listed_of(route.callback, route.view_class), view, is_detail):
            if message.id == "api_guard.E013" and hasattr(route.view_class, _AWAITS):
                continue
            found.setdefault((message.id or "", message.msg), message)
    return list(found.values())


def _judge(permissions: Iterable[Any], view: str, knows_requests: bool) -> Iterator[CheckMessage]:
    """Judge permissions; `knows_requests` means that another permission checks the request."""
    for permission in permissions:
        sides = sides_of(permission)
        beside = is_and(permission) and any(map(_knows_requests, sides))
        yield from _judge(sides, view, knows_requests or beside)
        operator = getattr(permission, "operator_class", None)
        if isinstance(operator, type) and issubclass(operator, OR) and not knows_requests:
            yield from _judge_or(sides, view)
        if isinstance(permission, type):
            yield from _judge_class(permission)


def _knows_requests(permission: Any) -> bool:
    """Whether a single permission, not a composed one, checks requests."""
    has_permission = getattr(permission, "has_permission", BasePermission.has_permission)
    return has_permission is not BasePermission.has_permission


def _judge_class(permission: type) -> Iterator[CheckMessage]:
    for name in _METHODS:
        function = getattr(permission, name, None)
        if inspect.iscoroutinefunction(function):
            yield Error(
                f"{dotted_path(permission)}.{name}() is a coroutine: DRF treats it as True, and a "
                "guard as False.",
                hint=f"Write def {name}(...) instead of async def.",
                id="api_guard.E013",
            )
    if any(
        getattr(permission, name, None) is not getattr(BasePermission, name) for name in _METHODS
    ):
        return
    for name in vars(permission):
        close = get_close_matches(name, _METHODS, n=1, cutoff=0.85)
        if close:
            yield Error(
                f"{dotted_path(permission)}.{name}() is never called. Did you mean {close[0]!r}?",
                hint=f"Rename it to {close[0]}.",
                id="api_guard.E014",
            )


def _judge_or(sides: Iterable[Any], view: str) -> Iterator[CheckMessage]:
    for side in sides:
        if not isinstance(side, type):
            continue
        if not _knows_requests(side) and "has_object_permission" in dir(side):
            yield checks.Warning(
                f"{view} has an OR with {dotted_path(side)}, which checks only objects and lets "
                "every request in.",
                hint="Add a has_permission() to it, or use an object rule of @guard.",
                id="api_guard.W015",
            )
