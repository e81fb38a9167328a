"""Finds the standing that a view asks for today, for each of its operations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpRequest
from rest_framework.permissions import AllowAny, IsAdminUser, IsAuthenticatedOrReadOnly
from rest_framework.views import APIView

from api_guard.core.operations import Operation

_SLOTS = ("read", "write")


def asked_of(view_class: Any, operations: Iterable[Operation]) -> dict[Operation, str]:
    """Return the name of the standing that a view asks for, for each of its operations.

    An empty name means that the view asks for more than a standing says.
    """
    return {each: _asked(view_class, each) for each in operations if each.method != "HEAD"}


def by_slot(asked: Mapping[Operation, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the names of the standings of the slots, and of the operations that differ."""
    slots = {}
    for slot in _SLOTS:
        found = {standing for each, standing in asked.items() if each.slot == slot}
        slots[slot] = found.pop() if len(found) == 1 else ""
    differing = {
        each.action or each.method: standing
        for each, standing in asked.items()
        if standing != slots[each.slot]
    }
    return slots, differing


def _asked(view_class: Any, operation: Operation) -> str:
    classes = _permissions(view_class, operation)
    if classes is None:
        return ""
    if all(each is AllowAny for each in classes):
        return "PUBLIC"
    if classes == [IsAdminUser]:
        return "STAFF"
    is_read_only = classes == [IsAuthenticatedOrReadOnly] and operation.slot == "read"
    return "PUBLIC" if is_read_only else ""


def _permissions(view_class: Any, operation: Operation) -> list[Any] | None:
    """Return the permission classes that the view itself chooses for an operation.

    None: it leaves that to the settings, or to what a real request says.
    """
    method, action = operation.method, operation.action
    try:
        # What @action says comes with its routes, as arguments of the view.
        view = view_class(**getattr(getattr(view_class, action or "", None), "kwargs", {}))
        http = HttpRequest()
        http.method = method
        view.action_map, view.args, view.kwargs = {method.lower(): action}, (), {}
        view.request = view.initialize_request(http)
        view.action = action
        classes = [type(each) for each in view.get_permissions()]
    except Exception:  # noqa: BLE001  # it runs methods of the project
        return None
    # The default of the settings says nothing about this view.
    default = APIView.permission_classes
    is_default = view.permission_classes is default and classes == list(default)
    return None if is_default else classes
