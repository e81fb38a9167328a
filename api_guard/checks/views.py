"""Checks of what a guarded view overrides."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import CodeType
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Error

from api_guard.endpoints import dotted_path, policy_of, routes

# Without super() in these, every request is refused: nothing was decided.
_CLOSED = ("dispatch", "initial")
# Without super() in these, something of the view's own is never asked, though the guard is.
_LOOSE = ("check_permissions", "check_object_permissions", "filter_queryset", "finalize_response")


def check_overrides(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E011, W012: an override of what leads to a decision calls what it overrides."""
    del app_configs
    found: list[CheckMessage] = []
    guarded = {route.view_class: None for route in routes() if policy_of(route.view_class)}
    for cls in guarded:
        for name, owner in _dropping(cls):
            place = f"{owner.__module__}.{owner.__qualname__}.{name}()"
            hint = f"Call super().{name}(...) in it."
            if name in _CLOSED:
                text = f"{place} calls no super(): every answer of {dotted_path(cls)} is refused."
                found.append(Error(text, hint=hint, id="api_guard.E011"))
            else:
                text = f"{place} calls no super(): what stands behind it is never asked."
                found.append(checks.Warning(text, hint=hint, id="api_guard.W012"))
    return found


def _dropping(cls: Any) -> Iterator[tuple[str, type]]:
    for name in (*_CLOSED, *_LOOSE):
        for ancestor in cls.__mro__:
            function = ancestor.__dict__.get(name)
            # A wrapper of the guard keeps the class's own function, if it has one.
            function = getattr(function, "own", function)
            if function is None:
                continue
            if not _calls(function, name) and not ancestor.__module__.startswith("rest_framework."):
                yield name, ancestor
            break


def _calls(function: Any, name: str) -> bool:
    """Whether the code of `function` speaks of `name`, as `super().name(...)` does."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code is None or _speaks_of(code, name)


def _speaks_of(code: CodeType, name: str) -> bool:
    inner = (each for each in code.co_consts if isinstance(each, CodeType))
    return name in code.co_names or any(_speaks_of(each, name) for each in inner)
