"""Checks of the methods that a guarded view overrides."""

from __future__ import annotations

from collections.abc import Iterator
from types import FunctionType

from django.core import checks
from django.core.checks import CheckMessage, Error

from api_guard.access.endpoints import dotted_path, policy_of, routes
from api_guard.checks.bytecode import runs_later
from api_guard.checks.leading import Lead, overrides, reach
from api_guard.checks.raising import may_raise

# Without super() in these, every request is refused, because there is no decision.
_CLOSED = ("dispatch", "initial")
# Without super() in these, the guard still decides, but a part of the view is skipped.
_LOOSE = ("check_permissions", "check_object_permissions", "filter_queryset", "finalize_response")
# If this one does not raise, the view's own permissions do not refuse.
_REFUSING = "permission_denied"


def check_overrides(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E011, W012: an override of a method that leads to the decision calls it."""
    del app_configs
    found: list[CheckMessage] = []
    for cls in dict.fromkeys(route.view_class for route in routes()):
        if cls is not None and policy_of(cls) is not None:
            found += _dropping(cls)
            found += _not_refusing(cls)
    return found


def _dropping(cls: type) -> Iterator[CheckMessage]:
    for name in (*_CLOSED, *_LOOSE):
        for owner, _function, lead in overrides(cls, name):
            if lead is not Lead.NOWHERE:
                continue
            place = _place(owner, name)
            hint = f"Call super().{name}(...) in it."
            if name in _CLOSED:
                text = (
                    f"{place} does not call super(): every answer of {dotted_path(cls)} is refused."
                )
                yield Error(text, hint=hint, id="api_guard.E011")
            else:
                text = f"{place} does not call super(): the checks of its base class never run."
                yield checks.Warning(text, hint=hint, id="api_guard.W012")


def _not_refusing(cls: type) -> Iterator[CheckMessage]:
    for owner, function, lead in overrides(cls, _REFUSING):
        held = [each for each in reach(function) if isinstance(each, FunctionType)]
        is_late = isinstance(function, FunctionType) and runs_later(function.__code__)
        if not is_late and (lead is not Lead.NOWHERE or any(may_raise(cls, each) for each in held)):
            continue
        yield checks.Warning(
            f"{_place(owner, _REFUSING)} raises nothing: a permission of {dotted_path(cls)} that "
            "returns False does not refuse the request.",
            hint=f"Raise an exception in it, or call super().{_REFUSING}(...).",
            id="api_guard.W012",
        )


def _place(owner: type, name: str) -> str:
    return f"{owner.__module__}.{owner.__qualname__}.{name}()"
