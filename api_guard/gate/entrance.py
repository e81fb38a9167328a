"""Refuses a view that is neither declared nor exempt when it is called, however that is done."""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from inspect import isawaitable, iscoroutinefunction
from types import MethodType
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseBase
from rest_framework.views import APIView, set_rollback

from api_guard.endpoints import declares_scopes, dotted_path, is_exempt, policy_of
from api_guard.exceptions import Refusal, UndeclaredEndpoint, Unsealed
from api_guard.gate.refusing import settle, watch
from api_guard.record import http_of, is_covered, record_refusal

logger = logging.getLogger("api_guard")

# On an instance: it has passed; and the dispatch() that it alone has.
_PASSED = "_api_guard_passed"
_OWN = "_api_guard_own_dispatch"


def planted(whole: Any) -> Callable[..., Any]:
    """Plant the gate on each new view: a ViewSet is never set up."""
    del whole

    def new(cls: Any, *args: Any, **kwargs: Any) -> Any:
        make: Any = super(APIView, cls).__new__
        view = make(cls) if make is object.__new__ else make(cls, *args, **kwargs)
        _plant(view)
        return view

    return new


def planted_setup(whole: Any) -> Callable[..., None]:
    """Plant the gate again where the view was given a dispatch() of its own."""
    del whole

    def setup(view: Any, /, request: Any, *args: Any, **kwargs: Any) -> None:
        _plant(view)
        super(APIView, view).setup(request, *args, **kwargs)

    return setup


def checked_initial(whole: Callable[..., None]) -> Callable[..., None]:
    """Refuse once more before the view looks at the request, for who calls another dispatch()."""

    @functools.wraps(whole)
    def initial(view: Any, /, request: Any, *args: Any, **kwargs: Any) -> None:
        if _PASSED not in view.__dict__ and not _may_run(view, http_of(request)):
            _log(view, request)
            raise UndeclaredEndpoint
        whole(view, request, *args, **kwargs)

    return initial


def _plant(view: Any) -> None:
    # On the instance, for the class may have any dispatch(), and be given another one.
    own = view.__dict__.get("dispatch")
    if own is None:
        view.__dict__["dispatch"] = MethodType(dispatch, view)
    elif getattr(own, "__func__", None) is not dispatch:
        view.__dict__[_OWN] = own
        view.__dict__["dispatch"] = MethodType(dispatch, view)


def dispatch(view: Any, /, request: Any, *args: Any, **kwargs: Any) -> Any:
    """Refuse a view that nobody declared; let any other answer, and note how it did."""
    http = http_of(request)
    if not _may_run(view, http):
        _log(view, request)
        return _refused(view, http, UndeclaredEndpoint())
    view.__dict__[_PASSED] = True
    if http is None or not _is_declared(view):
        return _own(view)(request, *args, **kwargs)
    watch(view)
    try:
        answer = _own(view)(request, *args, **kwargs)
    except Unsealed as refusal:
        return _refused(view, http, refusal)
    except Exception:
        record_refusal(http, type(view))
        raise
    if isinstance(answer, HttpResponseBase):
        settle(view, http, answer)
    elif isawaitable(answer):
        return _awaited(view, http, answer)
    return answer


async def _awaited(view: Any, http: HttpRequest, answer: Awaitable[Any]) -> Any:
    try:
        response = await answer
    except Unsealed as refusal:
        return _answer(view, http, refusal)
    except Exception:
        record_refusal(http, type(view))
        raise
    settle(view, http, response)
    return response


def _may_run(view: Any, http: HttpRequest | None) -> bool:
    if _is_declared(view) or is_exempt(type(view)):
        return True
    return http is not None and is_covered(http)


def _is_declared(view: Any) -> bool:
    # The policy of the class, and the permissions of the instance: as_view() may give it others.
    return policy_of(type(view)) is not None or declares_scopes(view.permission_classes)


def _own(view: Any) -> Any:
    """Return the dispatch() that stood here without the gate."""
    own = view.__dict__.get(_OWN)
    if own is None:
        # Now, for a test may have put another one into the class.
        own = type(view).dispatch
        own = own.__get__(view, type(view)) if hasattr(own, "__get__") else own
    return own


def _log(view: Any, request: Any) -> None:
    cls, path = dotted_path(type(view)), getattr(request, "path_info", "")
    logger.error("%s: %s is neither guarded nor exempt: refused.", path, cls)


def _refused(view: Any, http: HttpRequest | None, refusal: Refusal) -> Any:
    response = _answer(view, http, refusal)
    return _later(response) if _is_async(view) else response


def _answer(view: Any, http: HttpRequest | None, refusal: Refusal) -> HttpResponseBase:
    set_rollback()
    if http is not None:
        record_refusal(http, type(view))
    return refusal.answer()


async def _later(response: HttpResponseBase) -> HttpResponseBase:
    return response


def _is_async(view: Any) -> bool:
    """Whether who calls the view awaits its answer."""
    if iscoroutinefunction(type(view).dispatch):
        return True
    with suppress(ImproperlyConfigured):  # handlers of both kinds
        return bool(getattr(view, "view_is_async", False))
    return False
