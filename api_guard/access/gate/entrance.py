"""Refuses a view that is not declared and not exempt, no matter how it is called."""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from inspect import isawaitable, iscoroutinefunction
from types import FunctionType, MethodType
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseBase
from rest_framework.views import set_rollback

from api_guard import grants
from api_guard.access.callers import caller_of, rows_behind
from api_guard.access.decisions import record_allowed, record_refused
from api_guard.access.endpoints import (
    POLICY_ATTRIBUTE,
    declares_scopes,
    dotted_path,
    is_exempt,
    permissions_of,
    policy_of,
)
from api_guard.access.failures import faults_as_unavailable
from api_guard.access.gate.refusing import handle_exception, settle
from api_guard.access.record import (
    http_of,
    is_covered,
    record_decision,
    record_refusal,
    scopes_required,
    was_decided,
)
from api_guard.access.reporting import REPORTED, ask, report, reported_at, tell
from api_guard.access.vetting import left_as_it_was
from api_guard.core.policy import Policy
from api_guard.exceptions import Refusal, UndeclaredEndpoint, Unsealed

logger = logging.getLogger("api_guard")

# Attributes of an instance: its own dispatch(); it has passed the gate; it is undeclared.
OWN = "_api_guard_own_dispatch"
_PASSED = "_api_guard_passed"
_IS_UNDECLARED = "_api_guard_is_undeclared"


def checked_initial(whole: Callable[..., None]) -> Callable[..., None]:
    """Refuse before the view reads the request, in case another dispatch() was called."""

    @functools.wraps(whole)
    def initial(view: Any, /, request: Any, *args: Any, **kwargs: Any) -> None:
        if _PASSED not in view.__dict__ and not _may_run(view, http_of(request)):
            found = reported_at(request)
            if found is None:
                _log(view, request)
                raise UndeclaredEndpoint
            view.__dict__[_IS_UNDECLARED] = True
            report(found, view)
        whole(view, request, *args, **kwargs)
        if _IS_UNDECLARED in view.__dict__:
            _answer_as_before(view, request)
            return
        http = None if policy_of(type(view)) is not None else http_of(request)
        if http is not None and was_decided(http, type(view)):
            used = scopes_required(http, type(view))
            if used:
                grants.record_use(rows_behind(request), used)
            record_allowed(view, request, None)

    return initial


def dispatch(view: Any, /, request: Any, *args: Any, **kwargs: Any) -> Any:
    """Refuse an undeclared view. Let every other view answer, and note how it answered."""
    cls, state = type(view), view.__dict__
    http = request if isinstance(request, HttpRequest) else http_of(request)
    # A short way for guarded views, because every request comes here.
    is_sealed = isinstance(getattr(cls, POLICY_ATTRIBUTE, None), Policy)
    if not is_sealed:
        is_sealed = declares_scopes(permissions_of(view))
        if not is_sealed and not _may_run(view, http):
            found = reported_at(http)
            if found is None:
                _log(view, request)
                return _refused(view, http, UndeclaredEndpoint())
            is_sealed = state[_IS_UNDECLARED] = True
            report(found, view)
    state[_PASSED] = True
    own = state.get(OWN) or _bound(view, cls)
    with left_as_it_was():
        return _dispatch(view, http, own, is_sealed, request, *args, **kwargs)


def _dispatch(
    view: Any, http: Any, own: Any, is_sealed: bool, request: Any, /, *args: Any, **kwargs: Any
) -> Any:
    cls, state = type(view), view.__dict__
    if http is None or not is_sealed:
        return own(request, *args, **kwargs)
    state.setdefault("handle_exception", MethodType(handle_exception, view))
    try:
        answer = own(request, *args, **kwargs)
    except Unsealed as refusal:
        return _refused(view, http, refusal)
    except Exception:
        record_refusal(http, cls)
        raise
    if not isinstance(answer, HttpResponseBase):
        return _awaited(view, http, answer) if isawaitable(answer) else answer
    if answer.status_code >= 400 or not was_decided(http, cls):
        settle(view, http, answer)
    return answer


def _answer_as_before(view: Any, request: Any) -> None:
    """Report that the view is undeclared, and let its earlier permissions answer."""
    with faults_as_unavailable():
        caller_of(request)  # the record names the caller
    tell(UndeclaredEndpoint(), request, view)
    ask(view.__dict__[REPORTED], view, request)
    record_decision(request, view)


def _bound(view: Any, cls: Any) -> Any:
    # Look it up on every call, because a test may have patched the class.
    own = cls.dispatch
    if type(own) is FunctionType:
        return MethodType(own, view)
    return own.__get__(view, cls) if hasattr(own, "__get__") else own


async def _awaited(view: Any, http: HttpRequest, answer: Awaitable[Any]) -> Any:
    try:
        with left_as_it_was():
            response = await answer
    except Unsealed as refusal:
        return _answer(view, http, refusal)
    except Exception:
        record_refusal(http, type(view))
        raise
    settle(view, http, response)
    return response


def _may_run(view: Any, http: HttpRequest | None) -> bool:
    # The policy is on the class. The permissions are on the instance: as_view() may change them.
    cls = type(view)
    if policy_of(cls) is not None or declares_scopes(permissions_of(view)) or is_exempt(cls):
        return True
    return http is not None and is_covered(http)


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
    record_refused(refusal, http, view)
    return refusal.answer()


async def _later(response: HttpResponseBase) -> HttpResponseBase:
    return response


def _is_async(view: Any) -> bool:
    """Whether the code that calls the view awaits its answer."""
    if iscoroutinefunction(type(view).dispatch):
        return True
    with suppress(ImproperlyConfigured):  # handlers of both kinds
        return bool(getattr(view, "view_is_async", False))
    return False
