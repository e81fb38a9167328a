"""Finds whether an override leads to the method it overrides: by `super()` or by other calls."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from contextlib import suppress
from enum import Enum
from types import FunctionType, ModuleType
from typing import Any

from api_guard.access.endpoints import is_hook
from api_guard.checks.bytecode import asked_of_self, names_in

# What may replace `super()`: the hook that decides, or what DRF's own method would read.
_AS_GOOD = {
    "dispatch": {"initial"},
    "initial": {"check_permissions"},
    "check_permissions": {"get_permissions", "permission_classes"},
    "check_object_permissions": {"get_permissions", "permission_classes"},
    "filter_queryset": {"filter_backends"},
}
# How many wrapped objects, and how many levels of calls, are followed.
_MOST = 200
_LEVELS = 2
_INNER = ("__wrapped__", "__self__", "__func__", "func", "args", "keywords")
_PLAIN = (str, bytes, int, float, complex, type(None), type, ModuleType)


class Lead(Enum):
    """Where an override leads."""

    ON = "to the next class"
    PAST = "to what decides, or it cannot be told"
    NOWHERE = "to nothing that it overrides"


def overrides(cls: type, name: str) -> Iterator[tuple[type, Any, Lead]]:
    """Yield each class before DRF's own method, its override, and where the override leads.

    The first override that does not lead to the next is the last.
    """
    held = [(each, function_of(vars(each)[name])) for each in cls.__mro__ if name in vars(each)]
    # A wrapper of the guard around nothing leads to the next class.
    held = [(each, function) for each, function in held if function is not None]
    for position, (ancestor, function) in enumerate(held):
        if _is_of(ancestor.__module__, "rest_framework"):
            return
        lead = _lead_of(cls, name, function, [after for _, after in held[position + 1 :]])
        yield ancestor, function, lead
        if lead is not Lead.ON:
            return


def function_of(function: Any) -> Any:
    """Return the function inside a wrapper of the guard, None if empty; others unchanged."""
    # A decorator above the guard copies the mark of a wrapper, but is not one.
    while (
        _is_a(function, FunctionType) and is_hook(function) and _is_of(_home(function), "api_guard")
    ):
        function = getattr(function, "own", None)
    return function


def reach(function: Any) -> Iterator[Any]:
    """Yield `function` and all it contains: in closures, defaults, partials and attributes."""
    waiting: list[Any] = [function]
    seen: list[Any] = []
    while waiting and len(seen) < _MOST:
        found = waiting.pop(0)
        own = function_of(found)
        # An empty wrapper has nothing inside, and leads to the next class.
        found = found if own is None else own
        if _is_a(found, *_PLAIN) or any(found is each for each in seen):
            continue
        seen.append(found)
        yield found
        waiting += [] if own is None else _held_by(found)


def _lead_of(cls: type, name: str, function: Any, later: list[Any]) -> Lead:
    is_read, count = False, 0
    for count, found in enumerate(reach(function), start=1):  # noqa: B007  # it is asked below
        if any(found is each for each in later) or function_of(found) is None:
            return Lead.ON
        if _is_a(found, FunctionType):
            is_read = True
            if found.__code__.co_name == name and _is_of(_home(found), "rest_framework"):
                return Lead.PAST
            if name in names_in(found.__code__):
                return Lead.ON if "super" in names_in(found.__code__) else Lead.PAST
            if _asks(cls, found, {name, *_AS_GOOD.get(name, ())}, _LEVELS):
                return Lead.PAST
    # Descriptors, compiled code and everything not searched may do anything.
    return Lead.NOWHERE if is_read and count < _MOST else Lead.PAST


def _asks(cls: type, function: FunctionType, wanted: set[str], levels: int) -> bool:
    """Whether `function` uses a wanted name, or calls a method or a function that does."""
    names = names_in(function.__code__)
    if names & wanted:
        return True
    called = [function_of(inspect.getattr_static(cls, name, None)) for name in _asked(function)]
    called += [function.__globals__.get(name) for name in names]
    return levels > 0 and any(
        _asks(cls, each, wanted, levels - 1)
        for each in called
        if _is_a(each, FunctionType) and not _is_of(_home(each), "rest_framework", "django")
    )


def _asked(function: FunctionType) -> set[str]:
    return asked_of_self(function.__code__)


def _held_by(found: Any) -> list[Any]:
    if _is_a(found, list, tuple, set, frozenset):
        return list(found)
    if _is_a(found, dict):
        return list(found.values())
    if not _is_a(found, FunctionType):
        inner = [getattr(found, name) for name in _INNER if _has(found, name)]
        # What an object runs when it is called or bound to a view, and its attributes.
        inner += [getattr(type(found), name, None) for name in ("__call__", "__get__")]
        return [*inner, *_attributes(found)]
    inner = [*(found.__defaults__ or ()), *(found.__kwdefaults__ or {}).values()]
    for cell in found.__closure__ or ():
        with suppress(ValueError):  # a cell that is not filled yet
            inner.append(cell.cell_contents)
    named = (found.__globals__.get(name) for name in names_in(found.__code__))
    inner += [each for each in named if _is_a(each, list, tuple, dict)]
    # functools.wraps does not mean that a function calls the wrapped one.
    if "__wrapped__" in names_in(found.__code__) or not _is_plain(inner):
        inner.append(getattr(found, "__wrapped__", None))
    return inner


def _attributes(found: Any) -> Iterable[Any]:
    with suppress(Exception):  # there is no __dict__, or it is that of a proxy which may raise
        return list(vars(found).values())
    return ()


def _has(found: Any, name: str) -> bool:
    return inspect.getattr_static(found, name, None) is not None


def _is_a(found: Any, *types: type) -> bool:
    # isinstance() would evaluate a lazy object.
    return issubclass(type(found), types)


def _is_plain(held: Iterable[Any]) -> bool:
    return all(_is_a(each, *_PLAIN) for each in held)


def _home(function: Any) -> str:
    return str(getattr(function, "__globals__", {}).get("__name__", ""))


def _is_of(module: str, *packages: str) -> bool:
    return module.partition(".")[0] in packages
