"""Tells whether a method is a coroutine function."""

from __future__ import annotations

from inspect import CO_COROUTINE, iscoroutinefunction
from types import FunctionType, MethodType


def is_coroutine_method(method: object) -> bool:
    """Do the same as inspect.iscoroutinefunction(), which makes ten calls, for a plain method."""
    if type(method) is MethodType and type(method.__func__) is FunctionType:
        function = method.__func__
        if not function.__dict__:  # a mark of a coroutine function would be there
            return bool(function.__code__.co_flags & CO_COROUTINE)
    return iscoroutinefunction(method)
