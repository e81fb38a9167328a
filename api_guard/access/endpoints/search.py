"""Finds the DRF views behind a URL's callback: the visible ones, and hidden ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache, partial
from inspect import getattr_static
from itertools import chain
from types import FunctionType, MethodType
from typing import Any, NamedTuple

from api_guard.access.endpoints.bytecode import globals_in, names_in, only_reads_name

# The search stops after so many objects, because a decorator may lead anywhere.
_DEEPEST = 100
_WIDEST = 1000

# Classes in these modules are base classes, and not views.
_ABSTRACT = ("rest_framework.views", "rest_framework.generics", "rest_framework.viewsets", "adrf.")
_CONTAINERS = (dict, list, tuple, set, frozenset)
# Attributes of a view class that may be called.
_CALLS = frozenset({"as_view", "dispatch"})


class Found(NamedTuple):
    """A view class, and the callback that leads to it, which may have initkwargs."""

    view_class: type
    callback: Any


def views_of(callback: Any) -> tuple[Found, ...]:
    """Return the DRF views of a callback, however it is decorated, the nearest first."""
    try:
        return _nearest(callback)
    except TypeError:  # it cannot be a key of the cache
        return _nearest.__wrapped__(callback)


def hidden_views_of(callback: Any) -> tuple[Found, ...]:
    """Return the DRF views that a callback contains in another way, and may call."""
    try:
        return _hidden(callback)
    except TypeError:
        return _hidden.__wrapped__(callback)


# This runs with every request. The result for a hashable callback is cached.
@cache
def _nearest(callback: Any) -> tuple[Found, ...]:
    return _search(callback, _wrapped_by, _DEEPEST)


@cache
def _hidden(callback: Any) -> tuple[Found, ...]:
    if is_view(callback):
        return ()  # do not look at what a view calls
    return _search(callback, _held_by, _WIDEST)


def _search(callback: Any, look: Callable[[Any], Iterable[Any]], most: int) -> tuple[Found, ...]:
    views: dict[int, Found] = {}
    waiting = [callback]  # keep all objects, so that no two share an id
    seen: set[int] = set()
    for found in waiting:
        if id(found) in seen:
            continue
        if len(seen) == most:
            break
        seen.add(id(found))
        cls = _view_class_at(found)
        if cls is not None:
            views[id(found)] = Found(cls, found)
        elif not _is_view_class(found):
            waiting += look(found)
        elif not found.__module__.startswith(_ABSTRACT):
            views[id(found)] = Found(found, found)
    return tuple(views.values())


def is_view(callback: Any) -> bool:
    """Whether a callback is a DRF view itself, and not a wrapper of one."""
    # The search stops here at once; a class leads to itself.
    views = views_of(callback)
    return len(views) == 1 and views[0].callback is callback and views[0].view_class is not callback


def _view_class_at(callback: Any) -> Any:
    """Return the class that `as_view()` has noted at the callback that it returned."""
    # Use static lookup and type(), because the object may be anything, even a lazy object.
    if not _is_a(callback, (type, *_CONTAINERS)):
        for name in ("cls", "view_class"):
            cls = getattr_static(callback, name, None)
            if _is_view_class(cls):
                return cls
    return None


def _is_view_class(found: Any) -> bool:
    return _has(found, "as_view") and _has(found, "check_permissions")


def _has(found: Any, name: str) -> bool:
    """Whether this is a class with an attribute. A metaclass may raise anything if it is asked."""
    return _is_a(found, type) and any(name in vars(each) for each in found.__mro__)


def _is_a(found: Any, kinds: Any) -> bool:
    return issubclass(type(found), kinds)


def _wrapped_by(callback: Any) -> list[Any]:
    """Return what a decorated callback wraps, through functools or the cells of its closure."""
    inner = [getattr_static(callback, name, None) for name in ("__wrapped__", "func")]
    if _is_a(callback, partial):
        inner.append(callback.func)
    inner += [
        cell for name, cell in _cells_of(callback) if not only_reads_name(callback.__code__, name)
    ]
    return [each for each in inner if callable(each) and not _is_a(each, type)]


def _held_by(grantee: Any) -> list[Any]:
    """Return everything in which `grantee` may have a view."""
    inner: Iterable[Any]
    if _is_a(grantee, dict):
        inner = grantee.values()
    elif _is_a(grantee, _CONTAINERS):
        inner = grantee
    elif _is_a(grantee, type):
        inner = _attributes_of_class(grantee) if _has(grantee, "as_view") else ()
    elif _is_a(grantee, partial):
        inner = (grantee.func, grantee.args, grantee.keywords)
    elif _is_a(grantee, FunctionType):
        inner = _held_by_function(grantee)
    elif _is_a(grantee, MethodType):
        inner = chain((grantee.__func__,), _attributes_of(grantee.__self__))
    else:
        inner = _attributes_of(grantee)
    return [each for each in inner if callable(each) or _is_a(each, _CONTAINERS)]


def _held_by_function(function: FunctionType) -> Iterator[Any]:
    yield from vars(function).values()
    defaults = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
    cells = (content for _, content in _cells_of(function))
    can_call = not _CALLS.isdisjoint(names_in(function.__code__))
    for each in chain(defaults, cells, _globals_of(function)):
        # A class may be used only for its name or its queryset.
        if can_call or not _is_view_class(each):
            yield each


def _attributes_of(grantee: Any) -> Iterator[Any]:
    with suppress(Exception):  # a proxy of something that is not there yet may raise anything
        yield from list(vars(grantee).values())
    yield from _attributes_of_class(type(grantee))


def _attributes_of_class(cls: Any) -> Iterator[Any]:
    for ancestor in cls.__mro__:
        # Django's own classes contain no views; methods of other classes may name some.
        if not ancestor.__module__.startswith(("django.", "builtins")):
            yield from vars(ancestor).values()


def _globals_of(function: FunctionType) -> Iterator[Any]:
    """Yield the views, and the collections of views, that the code of a function names."""
    code, known = function.__code__, function.__globals__
    # An attribute may have the name of a global. To read the instructions takes long.
    if any(_may_hold(known.get(name)) for name in names_in(code)):
        loaded = (known.get(name) for name in globals_in(code))
        yield from (found for found in loaded if _may_hold(found))


def _may_hold(found: Any) -> bool:
    return _is_a(found, _CONTAINERS) or _is_view_class(found) or is_view(found)


def _cells_of(function: Any) -> Iterator[tuple[str, Any]]:
    if not _is_a(function, FunctionType):
        return
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # a cell that is not filled yet
            continue
