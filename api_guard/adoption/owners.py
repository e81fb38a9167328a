"""Finds the field by which a view filters its rows already, and the fields that may be one."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from django.contrib.auth import get_user_model
from django.db.models import ForeignKey, Model

from api_guard.access.ownership import leads_to_user
from api_guard.core.decorating import Definition

_USERS = frozenset(f"self.request.user{end}" for end in ("", ".pk", ".id"))


def owners_of(model: type[Model] | None) -> tuple[str, ...]:
    """Return the foreign keys that lead to a user; without one, those that do in two steps.

    A row of the user model is its own user's.
    """
    keys = list(_keys(model))
    direct = [key.name for key in keys if _is_user(key)]
    near = [f"{key.name}__{name}" for key in keys for name in _direct(key)]
    itself = ["pk"] if model is not None and issubclass(model, get_user_model()) else []
    return tuple([*itself, *direct] or near)


def _direct(key: ForeignKey[Model, Model]) -> list[str]:
    return [each.name for each in _keys(key.related_model) if _is_user(each)]


def _keys(model: type[Model] | None) -> Iterator[ForeignKey[Model, Model]]:
    for field in model._meta.get_fields() if model is not None else ():
        if isinstance(field, ForeignKey):
            yield field


def _is_user(key: ForeignKey[Model, Model]) -> bool:
    # Also by a proxy of the user model.
    return leads_to_user(key.model, key.name) is not None


def filtered_by(nodes: Iterable[Definition], model: type[Model] | None) -> str:
    """Return the field that every `get_queryset()` filters by the user of the request, or "" """
    found = {_filter_of(node) for node in nodes}
    owner = found.pop() if len(found) == 1 else ""
    if not owner or model is None or leads_to_user(model, owner) is None:
        return ""
    return owner


def _filter_of(node: Definition) -> str:
    for method in node.body:
        if isinstance(method, ast.FunctionDef) and method.name == "get_queryset":
            # With one return and no branch, the filter applies to every caller.
            [*before, last] = method.body
            is_plain = all(isinstance(each, (ast.Expr, ast.Assign)) for each in before)
            if is_plain and isinstance(last, ast.Return) and last.value is not None:
                return _filter_in(last.value, _USERS | _called(before))
    return ""


def _called(before: Iterable[ast.stmt]) -> frozenset[str]:
    """Return the local names of the user of the request, as in `user = self.request.user`."""
    assigned: dict[str, list[str]] = {}
    for statement in before:
        if isinstance(statement, ast.Assign):
            value = ast.unparse(statement.value)
            for name in (each for target in statement.targets for each in ast.walk(target)):
                if isinstance(name, ast.Name):
                    is_whole = name in statement.targets
                    assigned.setdefault(name.id, []).append(value if is_whole else "")
    # A name that is assigned twice may be somebody else's.
    return frozenset(
        f"{name}{end}"
        for name, values in assigned.items()
        if len(values) == 1 and values[0] in _USERS
        for end in ("", ".pk", ".id")
    )


def _filter_in(value: ast.expr, users: frozenset[str]) -> str:
    while isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        if value.func.attr == "filter":
            for keyword in value.keywords:
                if keyword.arg and ast.unparse(keyword.value) in users:
                    return keyword.arg.removesuffix("__pk").removesuffix("__id").removesuffix("_id")
        value = value.func.value
    return ""
