"""Finds the name of a view, its policy, and the class behind a callback."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import cache
from typing import Any

from django.utils.module_loading import import_string

from api_guard import conf
from api_guard.access.endpoints.search import views_of
from api_guard.core.policy import Policy

POLICY_ATTRIBUTE = "_api_guard_policy"


def policy_of(view_class: type | None) -> Policy | None:
    """Return the policy that `@guard` put on a view class or on a class it inherits from."""
    policy = getattr(view_class, POLICY_ATTRIBUTE, None)
    return policy if isinstance(policy, Policy) else None


def dotted_path(view: Any) -> str:
    """Return the path under which a view is listed, exempted and counted."""
    name = view.__name__ if view.__qualname__ == "WrappedAPIView" else view.__qualname__
    return f"{view.__module__}.{name}"


def is_exempt(view: Any) -> bool:
    """Whether `API_GUARD["EXEMPT"]` names a view or its module."""
    return next(exemptions_of(view), None) is not None


def exemptions_of(view: Any) -> Iterator[str]:
    """Yield the entries of `API_GUARD["EXEMPT"]` that name a view or its module."""
    names = (dotted_path(view), view.__module__)
    yield from (path for path in conf.exempt() if path in names or _named(path) is view)


@cache
def _named(path: str) -> Any:
    """Return the view at a dotted path; if a callback is there, return its view class."""
    try:
        found = import_string(path)
    except ImportError:
        return None
    return view_class_of(found) or found


def view_class_of(callback: Any) -> type | None:
    """Return the class of a DRF view behind a URL's callback, however it is decorated."""
    return next(iter(view_classes_of(callback)), None)


def view_classes_of(callback: Any) -> tuple[type, ...]:
    """Return the classes of all DRF views that a callback leads to, the nearest first."""
    return tuple(dict.fromkeys(found.view_class for found in views_of(callback)))


def plain_view(callback: Any) -> Any:
    """Return the function or the class of a plain Django view."""
    # The callback itself names the class. Wrappers of its dispatch() are deeper.
    view: Any = inspect.unwrap(callback, stop=lambda found: hasattr(found, "view_class"))
    view = getattr(view, "view_class", getattr(view, "func", view))
    return view if hasattr(view, "__qualname__") else type(view)


def endpoint_of(callback: Any) -> Any:
    """Return the class or the function that answers for a URL's callback, as it is listed."""
    return view_class_of(callback) or plain_view(callback)


def function_of(cls: Any) -> Any:
    """Return the function under `@api_view`, which has made the class; None for other classes."""
    if cls.__qualname__ != "WrappedAPIView":
        return None
    handlers = (getattr(cls, name, None) for name in cls.http_method_names if name != "options")
    handler = next(each for each in handlers if each is not None)
    return inspect.getclosurevars(handler).nonlocals.get("func")


def initkwarg(callback: Any, cls: type, name: str) -> Any:
    """Return an attribute of a view, from `as_view(...)` or from its class."""
    initkwargs = getattr(callback, "initkwargs", {})
    return initkwargs[name] if name in initkwargs else attribute_of(cls, name)


def attribute_of(cls: Any, name: str, default: object = ()) -> Any:
    """Return an attribute of a view class; `default` if each instance computes it by a property."""
    found = getattr(cls, name, default)
    return default if hasattr(type(found), "__get__") else found
