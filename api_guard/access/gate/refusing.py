"""Knows whether a view refused a request, even if the project changed the status."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from types import MethodType
from typing import Any

from django.http import Http404, HttpRequest
from rest_framework.exceptions import NotFound

from api_guard.access.decisions import record_hidden, record_refused
from api_guard.access.endpoints import dotted_path
from api_guard.access.record import http_of, record_refusal, record_undecided, was_decided
from api_guard.access.vetting import VETTING
from api_guard.exceptions import HiddenObject, Refusal, Unsealed

logger = logging.getLogger("api_guard")

# Attribute of an instance: the answer of its handle_exception() before any decision, and its
# status.
_REFUSAL = "_api_guard_refusal"
_CLOSED = "is_api_guard_closed"
# Attribute of an exception that is not one of our refusals: its decision was recorded.
_RECORDED = "_api_guard_recorded"


def completed(whole: Callable[..., Any]) -> Callable[..., Any]:
    """Make DRF's handle_exception() record a refusal and add all its fields to the answer."""

    @functools.wraps(whole)
    def complete(view: Any, /, exc: Exception) -> Any:
        if isinstance(exc, Refusal):
            record_refused(exc, http_of(getattr(view, "request", None)), view)
        elif isinstance(exc, (Http404, NotFound)):
            _record_hidden(view, exc)
        response = whole(view, exc)
        if isinstance(exc, Refusal):
            exc.complete(getattr(response, "data", None))
        return response

    return complete


def _record_hidden(view: Any, exc: Exception) -> None:
    """Record a 404 that an object rule may have caused."""
    vetting, http = view.__dict__.get(VETTING), http_of(getattr(view, "request", None))
    if http is None or vetting is None or _RECORDED in exc.__dict__:
        return
    is_hidden = isinstance(exc, HiddenObject)
    if is_hidden or (vetting.has_run and vetting.rule is not None):
        exc.__dict__[_RECORDED] = True
        # The rule narrowed the queryset. The queryset cannot tell what was left out.
        record_hidden(http, view, "hidden_object" if is_hidden else "not_found")


def settle(view: Any, http: HttpRequest, answer: Any) -> None:
    """Note whether the view's answer is a refusal, was decided, or neither."""
    status = getattr(answer, "status_code", 500)
    if status >= 400 or _is_refusal(view, answer, status):
        record_refusal(http, type(view))
    elif not was_decided(http, type(view)):
        record_undecided(http, type(view))


def _is_refusal(view: Any, answer: Any, status: int) -> bool:
    # It must be the same answer with the status that the project gave it. A dispatch() that
    # replaces the answer, or turns it into a success, has swallowed the refusal.
    kept, kept_status = view.__dict__.get(_REFUSAL, (None, 0))
    return kept is answer and kept_status == status


def handle_exception(view: Any, /, exc: Exception) -> Any:
    """Note how the view answers an exception that comes before the decision.

    It is set on the instance, because the handle_exception() of a class may not call super().
    """
    whole: Callable[..., Any] = completed(type(view).handle_exception)
    http = http_of(getattr(view, "request", None))
    if http is None or was_decided(http, type(view)):
        return whole(view, exc)
    _close_handlers(view)
    view.__dict__.setdefault("finalize_response", MethodType(_finalize_response, view))
    response = whole(view, exc)
    view.__dict__[_REFUSAL] = (response, getattr(response, "status_code", 500))
    return response


def _finalize_response(view: Any, /, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
    is_refusal = _is_refusal(view, response, response.status_code)
    final = type(view).finalize_response(view, request, response, *args, **kwargs)
    if is_refusal:
        view.__dict__[_REFUSAL] = (final, final.status_code)
    return final


def _close_handlers(view: Any) -> None:
    """Stop all handlers from now on, also if dispatch() continues or a renderer calls one."""
    actions = getattr(view, "action_map", None) or {}
    for name in {*view.http_method_names, *actions.values()}:
        handler = getattr(view, name, None)
        if callable(handler) and not hasattr(handler, _CLOSED):
            setattr(view, name, _closed(view, handler))


def _closed(view: Any, handler: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(handler)
    def closed(*args: Any, **kwargs: Any) -> Any:
        http = http_of(view.request)
        if http is None or was_decided(http, type(view)):
            return handler(*args, **kwargs)
        logger.error(
            "%s called its handler after it had refused the request: refused.",
            dotted_path(type(view)),
        )
        raise Unsealed

    setattr(closed, _CLOSED, True)
    return closed
