"""Whether a function may raise, as far as its code shows; unclear code may."""

from __future__ import annotations

import builtins
import inspect
import logging
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from api_guard.checks.bytecode import calls, has_raise, runs_later
from api_guard.checks.leading import function_of

_LEVELS = 3
_UNKNOWN = object()
_LOGGERS = {"log", "logger", "_log", "_logger", "LOG", "LOGGER"}


def may_raise(cls: type, function: FunctionType, levels: int = _LEVELS) -> bool:
    """Whether a method of `cls` raises somewhere, or calls a function that may.

    The call of a coroutine function or a generator does not run it, so it does not raise.
    """
    code = function.__code__
    if runs_later(code):
        return False
    if has_raise(code) or not levels:
        return True
    itself = code.co_varnames[:1]
    return any(_may(cls, function, path, path[:1] == itself, levels) for path in calls(code))


def _may(
    cls: type, function: FunctionType, path: tuple[str, ...], is_of_self: bool, levels: int
) -> bool:
    if path[0] in _LOGGERS:
        return False
    called = _found(cls, path[1:]) if is_of_self else _named(function, path)
    if isinstance(called, MethodType):
        called = called.__func__
    called = function_of(called)
    if isinstance(called, FunctionType):
        is_log = called.__module__ == logging.__name__
        return not is_log and may_raise(cls, called, levels - 1)
    # Creating an exception does not raise it.
    return not isinstance(called, (type, BuiltinFunctionType))


def _found(where: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        where = inspect.getattr_static(where, name, _UNKNOWN)
        where = getattr(where, "__func__", where)
    return where


def _named(function: FunctionType, path: tuple[str, ...]) -> Any:
    scope = {**vars(builtins), **function.__globals__}
    found = scope.get(path[0], _UNKNOWN)
    for name in path[1:]:
        # Only attributes of modules and loggers: reading others may run code.
        is_safe = isinstance(found, (ModuleType, logging.Logger))
        found = getattr(found, name, _UNKNOWN) if is_safe else _UNKNOWN
    return found
