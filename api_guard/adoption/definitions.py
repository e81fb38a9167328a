"""Finds the definitions of a view above which a line can guard it."""

from __future__ import annotations

import ast
import sys
from typing import Any

from django.views import View
from rest_framework.decorators import api_view

from api_guard.access.endpoints import callbacks, plain_view, status_of
from api_guard.adoption.views import Undeclared
from api_guard.core.decorating import (
    CannotDecorateError,
    Definition,
    PythonFile,
    decorator_at,
    definitions_of,
)


def nodes_of(source: PythonFile, view: Undeclared) -> list[Definition]:
    """Return the definitions of a view. Raises CannotDecorateError if no line can guard it."""
    name = view.name.removeprefix(f"{view.module}.")
    nodes = definitions_of(source.tree, name)
    if not view.operations:
        raise CannotDecorateError("it answers no method that a guard could name")
    guard = source.imported("api_guard").get("guard")
    for node in nodes:
        if guard and any(_is_call_of(each, guard) for each in node.decorator_list):
            raise CannotDecorateError("it has a guard, but another decorator routes it without")
        if view.is_plain:
            _refuse_plain(view, node)
        elif not isinstance(node, ast.ClassDef):
            scope = vars(sys.modules[view.module])
            if not any(_is_api_view(each, scope) for each in node.decorator_list):
                raise CannotDecorateError("it becomes a view by a call, not by @api_view")
        decorator_at(source, node, "")
    return nodes


def _is_call_of(decorator: ast.expr, name: str) -> bool:
    called = getattr(decorator, "func", None)
    return isinstance(called, ast.Name) and called.id == name


def _is_api_view(decorator: Any, scope: dict[str, Any]) -> bool:
    called: Any = getattr(decorator, "func", None)
    names: list[str] = []
    while hasattr(called, "attr"):
        names.insert(0, called.attr)
        called = called.value
    found = scope.get(getattr(called, "id", ""))
    for name in names:
        found = getattr(found, name, None)
    return found is api_view


def _refuse_plain(view: Undeclared, node: Definition) -> None:
    """Raise CannotDecorateError if a line would not guard a plain view, or more than it."""
    there = "guard it where it is routed, guard(...)(the_view)"
    if isinstance(view.view, type) and not issubclass(view.view, View):
        raise CannotDecorateError(f"an object of the class is the view: {there}")
    if not isinstance(node, ast.ClassDef) and "." in view.name.removeprefix(f"{view.module}."):
        raise CannotDecorateError(f"it is a method: {there}")
    for path, callback in callbacks():
        other = plain_view(callback)
        if status_of(callback, path) is None and _inherits(other, view.view):
            raise CannotDecorateError(f"it also answers at {path}, outside PREFIXES: {there}")


def _inherits(other: Any, view: Any) -> bool:
    is_class = isinstance(view, type) and isinstance(other, type)
    return other is view or (is_class and issubclass(other, view))
