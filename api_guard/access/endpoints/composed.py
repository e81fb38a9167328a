"""Reads the scopes that permission classes require, also from composed classes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from rest_framework.permissions import AND, OperandHolder


def declares_scopes(permissions: Iterable[Any]) -> bool:
    """Whether a list of permission classes requires scopes that no other permission can waive."""
    return any(_requirements(permission) for permission in permissions)


def required_by(permissions: Iterable[Any]) -> Iterator[str]:
    """Yield what each `HasScopes` of a list requires, also inside an AND."""
    for permission in permissions:
        if is_and(permission):
            yield from required_by(sides_of(permission))
        elif _requirements(permission):
            yield str(getattr(permission, "requirement", "its own scopes"))


def _requirements(permission: Any) -> bool:
    if is_and(permission):
        return any(_requirements(side) for side in sides_of(permission))
    return getattr(permission, "declares_scopes", False) is True


def is_and(permission: Any) -> bool:
    """Whether an entry of `permission_classes` is an `A & B`."""
    operator: object = getattr(permission, "operator_class", None)
    is_operator = isinstance(operator, type) and issubclass(operator, AND)  # adrf derives its own
    return isinstance(permission, OperandHolder) and is_operator


def sides_of(permission: Any) -> tuple[Any, ...]:
    """Return the parts of `A & B`, `A | B` or `~A`; an empty tuple for a single permission."""
    sides = (getattr(permission, name, None) for name in ("op1_class", "op2_class"))
    return tuple(side for side in sides if side is not None)
