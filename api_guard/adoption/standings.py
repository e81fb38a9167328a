"""Finds the standing or the scopes that a view asks for today, for each of its operations."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from rest_framework.permissions import AllowAny, BasePermission, IsAdminUser
from rest_framework.views import APIView

from api_guard.adoption.token_scopes import scopes_of
from api_guard.core.operations import Operation

_SLOTS = ("read", "write")
STANDINGS = frozenset({"", "PUBLIC", "SIGNED_IN", "STAFF"})


def asked_of(view_class: Any, operations: Iterable[Operation]) -> dict[Operation, str]:
    """Return the name of the standing that a view asks for, for each of its operations.

    Where it asks a token for scopes, their names are returned, separated by spaces. An empty name
    means that the view asks for more than a standing says.
    """
    return {each: _asked(view_class, each) for each in operations if each.method != "HEAD"}


def by_slot(asked: Mapping[Operation, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return what the slots ask for, and the operations that differ."""
    slots = {}
    for slot in _SLOTS:
        found = [standing for each, standing in asked.items() if each.slot == slot]
        # A standing only if all ask for it. Of scopes, those that most ask for.
        if len(set(found)) > 1:
            found = [standing for standing in found if standing not in STANDINGS]
        slots[slot] = max(found, key=found.count, default="")
    of_name: dict[str, set[str]] = {}
    for each, standing in asked.items():
        of_name.setdefault(each.action or each.method, set()).add(standing)
    differing = {
        each.action or each.method: standing
        for each, standing in asked.items()
        # A guard asks the same for all methods of an action. If they differ, the slots apply.
        if standing != slots[each.slot] and len(of_name[each.action or each.method]) == 1
    }
    return slots, differing


def closed_by(asked: Mapping[Operation, str]) -> tuple[Operation, ...]:
    """Return the operations that are open to everybody today, and closed by what `by_slot` says."""
    slots, differing = by_slot(asked)
    return tuple(
        each
        for each, standing in asked.items()
        if standing == "PUBLIC"
        and differing.get(each.action or each.method, slots[each.slot]) != standing
    )


def open_unsaid(
    view_class: Any, operations: Iterable[Operation], on_objects: Collection[Operation] = ()
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the slots, and the single operations, that anonymous callers may use today unsaid.

    Either only the settings let them in, or a permission does that also judges objects. The latter
    does not count for `on_objects`, the operations that find an object.
    """
    opened = {}
    for operation in operations:
        view, permissions = _permissions(view_class, operation)
        is_said = view is not None and _standing_of(view, permissions, operation)
        if is_said or operation.method == "HEAD":
            continue
        if [type(each) for each in permissions] == [_OfSettings]:
            permissions = _of_settings()
        is_known = view is not None and _OfSettings not in map(type, permissions)
        is_on_object = operation in on_objects
        opened[operation] = is_known and all(
            _lets_anyone_in(each, view, operation, is_on_object=is_on_object)
            for each in permissions
        )
    found = {each.slot for each, is_open in opened.items() if is_open}
    found -= {each.slot for each, is_open in opened.items() if not is_open}
    names: dict[str, bool] = {}
    for each, is_open in opened.items():
        name = each.action or each.method
        # A guard asks the same for all methods of an action.
        names[name] = is_open and names.get(name, True) and each.slot not in found
    return tuple(slot for slot in _SLOTS if slot in found), tuple(n for n in names if names[n])


def _of_settings() -> list[Any]:
    try:
        return [each() for each in APIView.permission_classes]
    except Exception:  # noqa: BLE001  # no list, or classes of the project that fail: DRF fails too
        return [_OfSettings()]


def _asked(view_class: Any, operation: Operation) -> str:
    view, permissions = _permissions(view_class, operation)
    if view is None:
        return ""
    # A permission of the settings is asked for its scopes too.
    default = _of_settings() if any(type(each) is _OfSettings for each in permissions) else []
    return _standing_of(view, permissions, operation) or " ".join(
        scopes_of([*permissions, *default], view)
    )


def _standing_of(view: Any, permissions: list[Any], operation: Operation) -> str:
    if any(type(each) is _OfSettings for each in permissions):
        return ""
    if [type(each) for each in permissions] == [IsAdminUser]:
        return "STAFF"
    is_open = all(_lets_anyone_in(each, view, operation) for each in permissions)
    return "PUBLIC" if is_open else ""


def _permissions(view_class: Any, operation: Operation) -> tuple[Any, list[Any]]:
    """Return a view and its permissions for an operation; None and nothing if it fails."""
    try:
        view = _view_of(view_class, operation)
        if view.permission_classes is APIView.permission_classes:
            view.permission_classes = [_OfSettings]
        return view, view.get_permissions()
    except Exception:  # noqa: BLE001  # it runs methods of the project
        return None, []


def _view_of(view_class: Any, operation: Operation) -> Any:
    """Return a view with an anonymous request for an operation."""
    method, action = operation.method, operation.action
    # What @action says comes with its routes, as arguments of the view.
    view = view_class(**getattr(getattr(view_class, action or "", None), "kwargs", {}))
    http = HttpRequest()
    http.method = method
    view.action_map, view.args, view.kwargs = {method.lower(): action}, (), {}
    view.request = view.initialize_request(http)
    view.action = action
    view.request.user, view.request.auth = AnonymousUser(), None
    return view


class _OfSettings(BasePermission):
    """Stands for the default of the settings, which says nothing about a view."""


def _lets_anyone_in(
    permission: Any, view: Any, operation: Operation, *, is_on_object: bool = True
) -> bool:
    """Whether a permission lets anonymous callers use an operation today.

    It is asked at each request as well, as before: to be wrong here opens nothing.
    """
    if type(permission) is AllowAny:
        return True
    judges_objects = (
        getattr(type(permission), "has_object_permission", None)
        is not BasePermission.has_object_permission
    )
    if operation.slot != "read" and judges_objects and is_on_object:
        return False
    try:
        return permission.has_permission(view.request, view) is True
    except Exception:  # noqa: BLE001  # it may need a real request, or a table that is not there
        return False
