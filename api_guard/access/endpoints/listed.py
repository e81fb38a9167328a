"""Reads the lists of classes that a view or a setting has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from rest_framework.settings import api_settings

from api_guard.access.endpoints.views import attribute_of, initkwarg

# The lists that DRF goes through at each request.
LISTS = (
    "authentication_classes",
    "permission_classes",
    "parser_classes",
    "renderer_classes",
    "throttle_classes",
    "filter_backends",
)


def is_list(found: object) -> bool:
    """Whether DRF can go through it at every request. A single class is not a list."""
    return isinstance(found, Iterable) and not isinstance(found, (str, bytes, Iterator))


def listed_of(callback: Any, cls: type, name: str = "permission_classes") -> tuple[Any, ...]:
    """Return what a view lists, from `as_view(...)` or from its class; nothing if DRF cannot."""
    return entries(initkwarg(callback, cls, name))


def permissions_of(view: Any) -> tuple[Any, ...]:
    """Return `permission_classes` of an instance, but nothing if a property computes them.

    The property may need the request of DRF, which is not there before the view has started.
    """
    name = "permission_classes"
    found = view.__dict__.get(name)
    return entries(attribute_of(type(view), name) if found is None else found)


def classes_of(callback: Any, cls: type, name: str) -> list[type]:
    """Return the classes that a view lists, as `classes_in` reads them."""
    return classes_in(initkwarg(callback, cls, name))


def default_of(setting: str) -> tuple[Any, ...]:
    """Return what a setting of REST_FRAMEWORK lists; nothing if DRF cannot read it."""
    return entries(getattr(api_settings, setting))


def default_classes(setting: str) -> list[type]:
    """Return the classes that a setting of REST_FRAMEWORK lists, as `classes_in` reads them."""
    return classes_in(getattr(api_settings, setting))


def entries(found: Any) -> tuple[Any, ...]:
    """Return the entries of a list; nothing if it is not one."""
    if type(found) is list or type(found) is tuple:  # as nearly always, and at each request
        return tuple(found)
    return tuple(found) if is_list(found) else ()


def classes_in(found: object) -> list[type]:
    """Return the classes of a list, also those inside a `partial`.

    DRF only calls what is listed. What another function makes is unknown, and left out.
    """
    called = map(_called_by, entries(found))
    return [each for each in called if isinstance(each, type)]


def _called_by(factory: Any) -> Any:
    while isinstance(factory, partial):
        factory = factory.func
    return factory
