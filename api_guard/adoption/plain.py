"""Finds what a plain Django view asks for today, in its decorators and its base classes."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib.auth.mixins import AccessMixin

from api_guard.core.operations import HTTP_METHODS, Operation

# Every view answers HEAD and OPTIONS like what it reads.
_METHODS = tuple(name for name in HTTP_METHODS if name not in ("HEAD", "OPTIONS", "TRACE"))


def asked_of(callbacks: Iterable[Any]) -> dict[Operation, str]:
    """Return what a view answers, each operation with the name of the standing that it asks for.

    An empty name means that it asks for more than a standing says, or for nothing.
    """
    found: dict[Operation, set[str]] = {}
    for callback in callbacks:
        for method in _methods_of(callback):
            layers = list(_layers_for(callback, method))
            if all(method in names for names in _closed_over(layers, "request_method_list")):
                found.setdefault(Operation(method), set()).add(_standing(callback, layers))
    return {each: names.pop() if len(names) == 1 else "" for each, names in found.items()}


def remark_on(callbacks: Iterable[Any], view: Any) -> str:
    """Return what a person has to decide about a view that writes without a CSRF token, or "" """
    exempt = [each for each in callbacks if getattr(each, "csrf_exempt", False)]
    writes = {asked for each, asked in asked_of(exempt).items() if each.slot == "write"}
    if not writes or any(_asks_for_a_login(each, _layers_for(each, "POST")) for each in exempt):
        return ""
    remarks = []
    if writes != {"PUBLIC"}:
        remarks.append("PUBLIC, if it checks its callers itself")
    if not getattr(_decorated(view), "csrf_exempt", False):
        remarks.append("put csrf_exempt below this line: where it is, it has no effect")
    return "; ".join(remarks)


def _decorated(view: Any) -> Any:
    """Return what a class or a function is with the decorators of its definition."""
    return getattr(view, "dispatch", getattr(sys.modules[view.__module__], view.__name__, None))


def _methods_of(callback: Any) -> tuple[str, ...]:
    cls = getattr(callback, "view_class", None)
    if cls is None:
        return _METHODS
    offered = getattr(callback, "view_initkwargs", {}).get(
        "http_method_names", getattr(cls, "http_method_names", ())
    )
    return tuple(
        name for name in _METHODS if name.lower() in offered and hasattr(cls, name.lower())
    )


def _layers_for(callback: Any, method: str) -> Iterator[Any]:
    """Yield every function that a request with this method runs through."""
    cls = getattr(callback, "view_class", None)
    yield from _layers(callback)
    yield from _layers(getattr(cls, "dispatch", None))
    yield from _layers(getattr(cls, method.lower(), None))


def _layers(function: Any) -> Iterator[Any]:
    while function is not None:
        yield function
        # @method_decorator applies its decorators at each call, and once to a function like this.
        for decorators in _closed_over([function], "decorators"):
            for decorator in decorators:
                yield from _layers(decorator(_nothing))
        function = getattr(function, "__wrapped__", None)


# Stands for the method that a decorator would get.
def _nothing(request: Any) -> Any: ...


# The functions of Django in which these names are found.
_HOMES = {
    "request_method_list": "require_http_methods.<locals>",
    "test_func": "user_passes_test.<locals>",
    "decorators": "_multi_decorate.<locals>",
}


def _closed_over(layers: Iterable[Any], name: str) -> Iterator[Any]:
    """Yield what Django's decorators among the layers were given under a name."""
    for layer in layers:
        code, scope = getattr(layer, "__code__", None), getattr(layer, "__globals__", {})
        is_home = code is not None and code.co_qualname.startswith(_HOMES[name])
        if is_home and scope["__name__"].startswith("django."):
            yield inspect.getclosurevars(layer).nonlocals[name]


def _standing(callback: Any, layers: list[Any]) -> str:
    tests = list(_closed_over(layers, "test_func"))
    if _has_mixin(callback):
        return ""
    if tests:
        return "STAFF" if all(map(_is_staff_test, tests)) else ""
    # As @login_not_required says it.
    return "PUBLIC" if getattr(callback, "login_required", True) is False else ""


def _is_staff_test(test: Any) -> bool:
    name = getattr(getattr(test, "__code__", None), "co_qualname", "")
    return name.startswith("staff_member_required.<locals>")


def _asks_for_a_login(callback: Any, layers: Iterable[Any]) -> bool:
    return _has_mixin(callback) or any(True for _ in _closed_over(layers, "test_func"))


def _has_mixin(callback: Any) -> bool:
    cls = getattr(callback, "view_class", None)
    return isinstance(cls, type) and issubclass(cls, AccessMixin)
