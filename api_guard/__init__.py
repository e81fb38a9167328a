"""The front door: guard, the standings, and the parts of requirements and rates."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api_guard.access.vetting import unheld as unheld
    from api_guard.core.caller import Caller as Caller
    from api_guard.core.caller import Standing
    from api_guard.core.objects import ANY_OBJECT as ANY_OBJECT
    from api_guard.core.rates import budget as budget
    from api_guard.core.rates import cost as cost
    from api_guard.core.rates import sliding as sliding
    from api_guard.core.requirements import any_of as any_of
    from api_guard.decorators.guard import guard as guard

    PUBLIC = Standing.PUBLIC
    SIGNED_IN = Standing.SIGNED_IN
    STAFF = Standing.STAFF

__all__ = [
    "ANY_OBJECT",
    "PUBLIC",
    "SIGNED_IN",
    "STAFF",
    "Caller",
    "any_of",
    "budget",
    "cost",
    "guard",
    "sliding",
    "unheld",
]

_HOMES = {
    "guard": "api_guard.decorators",
    "any_of": "api_guard.core.requirements",
    "ANY_OBJECT": "api_guard.core.objects",
    "Caller": "api_guard.core.caller",
    "budget": "api_guard.core.rates",
    "cost": "api_guard.core.rates",
    "sliding": "api_guard.core.rates",
    "unheld": "api_guard.access.vetting",
}


def __getattr__(name: str) -> object:
    # Lazy (PEP 562): Django imports this package before its apps are ready.
    if name in ("PUBLIC", "SIGNED_IN", "STAFF"):
        return import_module("api_guard.core.caller").Standing[name]
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
