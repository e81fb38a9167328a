"""Puts the gate's dispatch() on each view instance."""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any

from rest_framework.views import APIView

from api_guard.access.gate.entrance import OWN, dispatch

_make = object.__new__


def planted(whole: object) -> Callable[..., Any]:
    """Put the gate on each new view. setup() would be too late: a ViewSet does not call it."""
    del whole

    def new(cls: Any, /, *args: Any, **kwargs: Any) -> Any:
        make: Any = super(APIView, cls).__new__
        view = make(cls) if make is _make else make(cls, *args, **kwargs)
        # On the instance, because the class may have its own dispatch() or get another one.
        view.__dict__["dispatch"] = MethodType(dispatch, view)
        return view

    return new


def planted_setup(whole: object) -> Callable[..., None]:
    """Put the gate back if the instance got its own dispatch(), for example from as_view()."""
    del whole

    def setup(view: Any, /, request: Any, *args: Any, **kwargs: Any) -> None:
        own = view.dispatch
        if type(own) is not MethodType or own.__func__ is not dispatch:
            view.__dict__[OWN] = own
            view.__dict__["dispatch"] = MethodType(dispatch, view)
        super(APIView, view).setup(request, *args, **kwargs)

    return setup
