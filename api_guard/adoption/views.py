"""Chooses the guard of a view: its scopes, its standings and the owner of its rows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.apps import apps

from api_guard.access.endpoints import (
    Endpoint,
    Status,
    dotted_path,
    endpoints,
    model_of,
    plain_view,
    routes,
)
from api_guard.adoption import plain
from api_guard.adoption.owners import filtered_by, owners_of
from api_guard.adoption.standings import STANDINGS, asked_of, by_slot, closed_by, open_unsaid
from api_guard.checks.objects import leads_to_object
from api_guard.core.decorating import Definition
from api_guard.core.operations import Operation


@dataclass(frozen=True)
class Undeclared:
    """A view that is routed without a guard: `view` is its class or its function.

    `on_objects` are the operations that find one object. `callbacks` are those of a plain Django
    view, in all its routes.
    """

    name: str
    view: Any
    route: str
    operations: tuple[Operation, ...]
    has_objects: bool = False
    on_objects: frozenset[Operation] = frozenset()
    callbacks: tuple[Any, ...] = ()

    @property
    def module(self) -> str:
        """The name of its module."""
        return str(self.view.__module__)

    @property
    def is_plain(self) -> bool:
        """Whether it is no view of Django REST framework."""
        return bool(self.callbacks)


@dataclass(frozen=True)
class Choice:
    """The arguments of a guard: scopes or the name of a standing for each slot and action.

    `owner` is a field by which the view filters already. `owners` are fields that may be one.
    `remark` is what else there is to decide.
    """

    read: str = ""
    write: str = ""
    actions: tuple[tuple[str, str], ...] = ()
    owner: str = ""
    owners: tuple[str, ...] = ()
    has_objects: bool = False
    standings: frozenset[str] = frozenset()
    remark: str = ""

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes that it names."""
        values = (self.read, self.write, *(value for _, value in self.actions))
        asked = (value.split() for value in values if value not in self.standings)
        return tuple(scope for scopes in asked for scope in scopes)

    def decorator(self, called: Any) -> str:
        """Write it. `called` says under which names the file has `guard` and the standings."""
        values = {"read": self.read, "write": self.write}
        parts = [f"{slot}={self._asked(value, called)}" for slot, value in values.items() if value]
        actions = [f'"{name}": {self._asked(value, called)}' for name, value in self.actions]
        parts += [f"actions={{{', '.join(actions)}}}"] if actions else []
        parts += [f'owner="{self.owner}"'] if self.owner else []
        return f"@{called['guard']}({', '.join(parts)})"

    def _asked(self, value: str, called: Any) -> str:
        if value in self.standings:
            return str(called[value])
        scopes = ", ".join(json.dumps(scope) for scope in value.split())
        return f"({scopes})" if " " in value else scopes

    def comment(self) -> str:
        """Write what is left to choose, or "" """
        found = ""
        if self.has_objects and not self.owner:
            choices = [f'owner="{name}"' for name in self.owners] or ['owner="..."']
            found = f"  # whose rows? {' or '.join(choices)}, or objects=ANY_OBJECT"
        return f"{found}  # {self.remark}" if self.remark else found


def undeclared() -> list[Undeclared]:
    """Return the views of the URLconf that nothing declares, in its order."""
    found: dict[str, list[Endpoint]] = {}
    for endpoint in endpoints():
        if endpoint.status is Status.UNGUARDED:
            found.setdefault(endpoint.view, []).append(endpoint)
    return [
        _plain(name, of_view[0].route)
        if of_view[0].view_class is None
        else Undeclared(
            name,
            of_view[0].view_class,
            of_view[0].route,
            # Every view answers OPTIONS.
            tuple(each.operation for each in of_view if each.operation.method != "OPTIONS"),
            any(leads_to_object(endpoint) for endpoint in of_view),
            frozenset(each.operation for each in of_view if _finds_an_object(each)),
        )
        for name, of_view in found.items()
    ]


def _plain(name: str, route: str) -> Undeclared:
    found = [each.callback for each in routes() if each.view_class is None]
    callbacks = tuple(each for each in found if dotted_path(plain_view(each)) == name)
    return Undeclared(
        name, plain_view(callbacks[0]), route, tuple(plain.asked_of(callbacks)), callbacks=callbacks
    )


def _finds_an_object(endpoint: Endpoint) -> bool:
    """Whether a route says which object, or the view has a method of its own that does."""
    holders = (
        each for each in getattr(endpoint.view_class, "__mro__", ()) if _FINDS & vars(each).keys()
    )
    first = next(holders, None)
    is_own = first is not None and first.__module__.partition(".")[0] not in _PACKAGES
    return is_own or leads_to_object(endpoint)


_FINDS = {"get_object", "aget_object"}
_PACKAGES = ("rest_framework", "adrf")


def choice_for(view: Undeclared, nodes: Iterable[Definition]) -> Choice:
    """Return the guard that keeps most of what the view does today, and closes the rest."""
    label = _label_of(view.name)
    asked_now = (
        plain.asked_of(view.callbacks) if view.is_plain else asked_of(view.view, view.operations)
    )
    slots, differing = by_slot(asked_now)
    asked = {
        slot: standing or f"{label}:{slot}"
        for slot, standing in slots.items()
        if any(each.slot == slot for each in view.operations)
    }
    model = None if view.is_plain else model_of(view.view)
    # Of an action that reads and writes, the scope to write.
    in_order = sorted(view.operations, key=lambda each: each.slot)
    slot_of = {each.action or each.method: each.slot for each in in_order}
    actions = {name: each or f"{label}:{slot_of[name]}" for name, each in differing.items()}
    standings = {*asked.values(), *actions.values()} & STANDINGS
    owner = "" if view.is_plain else filtered_by(nodes, model)
    return Choice(
        read=asked.get("read", ""),
        write=asked.get("write", ""),
        actions=tuple(actions.items()),
        owner=owner,
        owners=owners_of(model),
        has_objects=view.has_objects,
        standings=frozenset(standings),
        remark=_remark_on(view, owner, closed_by(asked_now)),
    )


def _remark_on(view: Undeclared, owner: str, closed: Iterable[Operation]) -> str:
    if view.is_plain:
        return plain.remark_on(view.callbacks, view.view)
    said = [f"{each.method} of {each.action} is open today" for each in closed]
    # Rows of the caller are not for everybody.
    slots, names = ((), ()) if owner else open_unsaid(view.view, view.operations, view.on_objects)
    public = [f"{slot}=PUBLIC" for slot in slots]
    actions = ", ".join(f'"{name}": PUBLIC' for name in names)
    public += [f"actions={{{actions}}}"] if actions else []
    said += [f"{', '.join(public)}, if everybody may still use it"] if public else []
    return ", ".join(said)


def _label_of(name: str) -> str:
    config = apps.get_containing_app_config(name)
    return config.label if config is not None else name.partition(".")[0]
