"""Explains how to write a guard that is in the wrong place or has an unknown name."""

from __future__ import annotations

import inspect
from typing import Any

from rest_framework.views import APIView

from api_guard.core.names import did_you_mean
from api_guard.core.operations import HTTP_METHODS, SLOTS
from api_guard.core.policy import Policy
from api_guard.exceptions import GuardError


def is_misplaced(view: Any) -> bool:
    """Whether it is a method, or no view at all."""
    owner = getattr(view, "__qualname__", "").rpartition(".")[0]
    is_method = bool(owner) and not owner.endswith("<locals>") and inspect.isfunction(view)
    return not callable(view) or hasattr(view, "mapping") or is_method


def misplaced(view: Any) -> str:
    """Return a message that shows where `@guard` goes instead."""
    name = getattr(view, "__name__", repr(view))
    if hasattr(view, "mapping"):
        return (
            f"@guard goes above the class, not on an @action: write "
            f'@guard(..., actions={{"{name}": "some:scope"}}) above the ViewSet of {name}().'
        )
    owner = getattr(view, "__qualname__", "").rpartition(".")[0]
    if owner and not owner.endswith("<locals>"):
        key = name.upper() if name.upper() in HTTP_METHODS else name
        return (
            f"@guard goes above the class, not on a method: write "
            f'@guard(..., actions={{"{key}": "some:scope"}}) above class {owner}.'
        )
    return f"@guard needs a view, and {name} is not one."


def refuse_unknown_names(cls: type, policy: Policy) -> None:
    """Raise GuardError if the policy names an action or a method that the view does not have."""
    offered = {name for name in dir(cls) if not name.startswith("_") and name not in SLOTS}
    methods = {name.upper() for name in getattr(cls, "http_method_names", ())}
    for mapping in (policy.requirements, policy.rates, policy.owner, policy.objects, policy.keep):
        for name in mapping:
            if name in ("", *SLOTS) or name in methods:
                continue
            is_method_in_small = name.upper() in methods and not hasattr(cls, "get_extra_actions")
            if name in offered and not is_method_in_small:
                continue
            own = {key for key in offered if not hasattr(APIView, key)}
            hint = did_you_mean(name.upper() if is_method_in_small else name, methods | own)
            raise GuardError(
                f"@guard: {cls.__qualname__} does not have an action or a method {name!r}.{hint}"
            )


def refuse_fixed_handlers(cls: Any) -> None:
    """Raise GuardError if a handler is a property, which no instance can replace."""
    for name in getattr(cls, "http_method_names", ()):
        handler = type(inspect.getattr_static(cls, name, None))
        if hasattr(handler, "__set__") or hasattr(handler, "__delete__"):
            raise GuardError(
                f"{cls.__qualname__}.{name} is a {handler.__name__}, which the guard cannot wrap: "
                f"write def {name}(self, request)."
            )
