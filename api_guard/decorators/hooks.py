"""Puts a guard's wrappers around the hooks of a view class and of all its subclasses."""

from __future__ import annotations

import functools
from collections.abc import Callable
from threading import get_ident
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction

from api_guard.access.endpoints import HOOKS, is_hook
from api_guard.decorators.misuse import refuse_fixed_handlers
from api_guard.decorators.passage import PASSAGE, Passage
from api_guard.exceptions import GuardError


def install(cls: type) -> None:
    """Make the wrappers the outermost hooks of `cls` and of every subclass. Raises GuardError."""
    refuse_fixed_handlers(cls)
    for name in HOOKS:
        if hasattr(cls, name) and not is_hook(cls.__dict__.get(name)):
            setattr(cls, name, _wrap(cls, name))
    _hand_down(cls)
    _refuse_initkwargs(cls)


def _wrap(cls: type, name: str) -> Callable[..., Any]:
    own = cls.__dict__.get(name)
    stand = getattr(Passage, name)
    # A class, a partial or another object is called without the view.
    is_method = hasattr(type(own), "__get__")

    def hook(view: Any, /, *args: Any, **kwargs: Any) -> Any:
        passage = view.__dict__.get(PASSAGE)
        if passage is None:
            passage = view.__dict__[PASSAGE] = Passage(view)
        if own is None:
            beyond = getattr(next_class(cls, name, hook, view), name)
        else:
            beyond = own.__get__(view, type(view)) if is_method else own
        # Per thread, because a handler may call get_queryset() in several threads at once.
        running = (get_ident(), name)
        if running in passage.active:
            # super() reached the wrapper of a base class. The outermost wrapper did the work.
            return beyond(*args, **kwargs)
        passage.active.add(running)
        try:
            return stand(passage, beyond, *args, **kwargs)
        finally:
            passage.active.discard(running)

    functools.update_wrapper(hook, getattr(cls, name))
    hook.is_api_guard_hook = True  # type: ignore[attr-defined]
    hook.own = own  # type: ignore[attr-defined]
    return markcoroutinefunction(hook) if iscoroutinefunction(getattr(cls, name)) else hook


def next_class(cls: type, name: str, wrapper: Any, bound: Any) -> Any:
    """Return `super()` for a wrapper that was made for `cls`, under this name."""
    try:
        return super(cls, bound)
    except TypeError:
        # A decorator above the guard, such as dataclass(slots=True), has made another class of
        # the attributes of `cls`.
        kind = bound if isinstance(bound, type) else type(bound)
        held = (each for each in kind.__mro__ if _is_in(each, name, wrapper))
        return super(next(held), bound)


def _is_in(cls: type, name: str, wrapper: Any) -> bool:
    found = cls.__dict__.get(name)
    return getattr(found, "__func__", found) is wrapper


def _hand_down(cls: Any) -> None:
    if "__init_subclass__" in cls.__dict__ and is_hook(cls.__dict__["__init_subclass__"].__func__):
        return
    own = cls.__dict__.get("__init_subclass__")

    def on_subclass(subclass: Any, /, **kwargs: Any) -> None:
        if own is None:
            next_class(cls, "__init_subclass__", on_subclass, subclass).__init_subclass__(**kwargs)
        else:
            own.__get__(None, subclass)(**kwargs)
        install(subclass)

    on_subclass.is_api_guard_hook = True  # type: ignore[attr-defined]
    cls.__init_subclass__ = classmethod(on_subclass)


def _refuse_initkwargs(cls: Any) -> None:
    own = cls.__dict__.get("as_view")
    if own is not None and is_hook(own.__func__):
        return

    def as_view(view_class: Any, /, *args: Any, **initkwargs: Any) -> Any:
        named = sorted(initkwargs.keys() & set(HOOKS))
        if named:
            raise GuardError(
                f"{view_class.__qualname__}.as_view({named[0]}=...) would bypass the guard: "
                f"override {named[0]}() in a subclass."
            )
        # An unguarded base class may not have called super().__init_subclass__().
        install(view_class)
        if own is None:
            return next_class(cls, "as_view", as_view, view_class).as_view(*args, **initkwargs)
        return own.__get__(None, view_class)(*args, **initkwargs)

    functools.update_wrapper(as_view, cls.as_view)
    as_view.is_api_guard_hook = True  # type: ignore[attr-defined]
    cls.as_view = classmethod(as_view)
