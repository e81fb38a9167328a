"""Checks of plain Django views behind the toolkit's decorators."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage

from api_guard.access.endpoints import callbacks, dotted_path, plain_view
from api_guard.oauth2 import GuardedValidatorMixin


def check_decorators(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """W037: a plain view behind the toolkit's decorator checks the current grants."""
    del app_configs
    return [
        checks.Warning(
            f"{dotted_path(plain_view(callback))}, at {path}, uses the toolkit's own "
            "protected_resource, whose validator ignores what was revoked.",
            hint="from api_guard.oauth2 import protected_resource",
            id="api_guard.W037",
        )
        for path, callback in callbacks()
        if (validator := _validator_behind(callback)) is not None
        and not issubclass(validator, GuardedValidatorMixin)
    ]


def _validator_behind(callback: Callable[..., Any]) -> Any:
    """Return the validator of the toolkit's decorator around `callback`, None without one."""
    layer: Any = callback
    while layer is not None:
        # By its code: wraps() has copied the names of the inner function.
        code = getattr(layer, "__code__", None)
        if code is not None and code.co_qualname.startswith(_DECORATORS):
            return inspect.getclosurevars(layer).nonlocals.get("validator_cls")
        layer = getattr(layer, "__wrapped__", None)
    return None


_DECORATORS = ("protected_resource.<locals>", "rw_protected_resource.<locals>")
