"""Stands by the handler of the operation that was decided, and keeps every other from running."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from rest_framework.request import Request
from rest_framework.views import APIView

from api_guard.access.callers import caller_of
from api_guard.access.endpoints import dotted_path
from api_guard.access.vetting import conclude, settle, within
from api_guard.decorators.net import Net
from api_guard.decorators.streams import within_stream
from api_guard.exceptions import Unsealed

if TYPE_CHECKING:
    from api_guard.decorators.passage import Passage

logger = logging.getLogger("api_guard")


def stand_by_handlers(passage: Passage, request: Request) -> None:
    """Put a wrapper around each handler that DRF may be about to call."""
    view = passage.view
    decided = "" if passage.decided is None else passage.decided.method.lower()
    for name in view.http_method_names:
        handler = getattr(view, name, None)
        if handler is None:
            continue
        if name != decided:
            stand_by: Any = _other(passage, name.upper(), handler)
        elif inspect.iscoroutinefunction(handler):
            passage.vetting.foresee()
            stand_by = _async_decided(passage, request, handler)
        else:
            stand_by = _decided(passage, request, handler)
        # An instance attribute, as DRF's ViewSets bind theirs: dispatch() looks it up by name.
        setattr(view, name, _named_as(stand_by, handler))


def _named_as(stand_by: Any, handler: Any) -> Any:
    """Do what functools.update_wrapper() does, which takes twenty calls for each handler."""
    if type(handler) is not MethodType or type(handler.__func__) is not FunctionType:
        return functools.update_wrapper(stand_by, handler)
    function = handler.__func__
    stand_by.__module__, stand_by.__doc__ = function.__module__, function.__doc__
    stand_by.__name__, stand_by.__qualname__ = function.__name__, function.__qualname__
    if function.__dict__:
        stand_by.__dict__.update(function.__dict__)
    stand_by.__wrapped__ = handler
    return stand_by


def _other(passage: Passage, method: str, handler: Any) -> Any:
    def other(request: Any, /, *args: Any, **kwargs: Any) -> Any:
        if passage.is_handling:
            return handler(request, *args, **kwargs)
        # DRF's AdminRenderer shows the list or the object beside the errors of a form.
        shown = passage.operation(request)
        is_shown = passage.has_handled and shown.method == method and shown.slot == "read"
        if not is_shown or not passage.would_allow(shown):
            _refuse_change(passage, request, "another handler")
        with passage.as_decided(shown), _handling(passage, request):
            response = handler(request, *args, **kwargs)
            conclude(passage.vetting, shown, response)
        return response

    return other


def _decided(passage: Passage, decided: Request, handler: Any) -> Any:
    def answer(request: Any, /, *args: Any, **kwargs: Any) -> Any:
        if passage.is_handling:
            return handler(request, *args, **kwargs)
        _refuse_changed(passage, decided, request)
        with _handling(passage, request):
            response = handler(request, *args, **kwargs)
            settle(passage.vetting)
            if not _is_description(handler):
                conclude(passage.vetting, passage.operation_at_work(), response)
        return within_stream(passage.vetting, response)

    return answer


def _async_decided(passage: Passage, decided: Request, handler: Any) -> Any:
    async def answer(request: Any, /, *args: Any, **kwargs: Any) -> Any:
        if passage.is_handling:
            return await handler(request, *args, **kwargs)
        _refuse_changed(passage, decided, request)
        with _handling(passage, request):
            response = await handler(request, *args, **kwargs)
            vetting = passage.vetting
            if vetting.pending:
                await sync_to_async(settle)(vetting)
            if vetting.is_open or vetting.unowned:
                await sync_to_async(conclude)(vetting, passage.operation_at_work(), response)
        return within_stream(passage.vetting, response)

    return answer


@contextmanager
def _handling(passage: Passage, request: Any) -> Iterator[None]:
    vetting = passage.vetting
    passage.is_handling = passage.has_handled = True
    vetting.pinned = request if isinstance(request, Request) else None
    try:
        with Net(passage.view, request).catching(), within(vetting):
            yield
        if passage.outer is not None and vetting.has_run:
            # Who answers by another guarded view answers by its object rule.
            passage.outer.has_run = True
    finally:
        passage.is_handling = False
        vetting.pinned = None


def _is_description(handler: Any) -> bool:
    """Whether this is DRF's own description of a view, which shows no object."""
    return getattr(handler, "__func__", None) is APIView.options


def _refuse_changed(passage: Passage, decided: Request, request: Any) -> None:
    """Refuse another request, method or caller than the one that was decided on."""
    operation = passage.decided
    if operation is None or str(request.method).upper() != operation.method:
        _refuse_change(passage, request, "another method")
    if not isinstance(request, Request):
        return  # a decorator handed on Django's own
    if request._request is not decided._request:
        _refuse_change(passage, request, "another request")
    if caller_of(request) != passage.caller:
        _refuse_change(passage, request, "another caller")


def _refuse_change(passage: Passage, request: Any, what: str) -> None:
    logger.error(
        "%s: %s %s was decided as %s, and came with %s: refused. What changes a request belongs "
        "before super().initial().",
        dotted_path(type(passage.view)),
        request.method,
        request.path_info,
        passage.decided and passage.decided.method,
        what,
    )
    raise Unsealed
