"""Lets the handler of the decided operation run, and stops every other handler."""

from __future__ import annotations

import functools
import logging
from types import FunctionType, MethodType
from typing import Any

from asgiref.sync import sync_to_async
from rest_framework.request import Request
from rest_framework.views import APIView

from api_guard.access.callers import caller_of
from api_guard.access.coroutines import is_coroutine_method
from api_guard.access.endpoints import dotted_path, operation_of
from api_guard.access.vetting import conclude, settle
from api_guard.core.operations import Operation
from api_guard.decorators.handling import Handling, running
from api_guard.decorators.streams import within_stream
from api_guard.exceptions import Unsealed

logger = logging.getLogger("api_guard")


def handles(view: Any, operation: Operation) -> bool:
    """Whether the class has a handler for the operation's method."""
    name = operation.method.lower()
    return name in view.http_method_names and hasattr(view, name)


def stand_by_handlers(handling: Handling, request: Request) -> None:
    """Put a wrapper around each handler that DRF may be about to call."""
    view = handling.view
    decided = "" if handling.decided is None else handling.decided.method.lower()
    for name in view.http_method_names:
        handler = getattr(view, name, None)
        if handler is None:
            continue
        if name != decided:
            stand_by: Any = _other(handling, name.upper(), handler)
        elif is_coroutine_method(handler):
            handling.vetting.foresee()
            stand_by = _async_decided(handling, request, handler)
        else:
            stand_by = _decided(handling, request, handler)
        # Set it on the instance, as DRF's ViewSets do: dispatch() looks handlers up by name.
        setattr(view, name, _named_as(stand_by, handler))


def _named_as(stand_by: Any, handler: Any) -> Any:
    """Do the same as functools.update_wrapper(), which would make twenty calls for each handler."""
    if type(handler) is not MethodType or type(handler.__func__) is not FunctionType:
        return functools.update_wrapper(stand_by, handler)
    function = handler.__func__
    stand_by.__module__, stand_by.__doc__ = function.__module__, function.__doc__
    stand_by.__name__, stand_by.__qualname__ = function.__name__, function.__qualname__
    if function.__dict__:
        stand_by.__dict__.update(function.__dict__)
    stand_by.__wrapped__ = handler
    return stand_by


def _other(handling: Handling, method: str, handler: Any) -> Any:
    def other(request: Any, /, *args: Any, **kwargs: Any) -> Any:
        if handling.is_running:
            return handler(request, *args, **kwargs)
        # DRF's AdminRenderer shows the list or the object next to the errors of a form.
        shown = operation_of(handling.view, request)
        is_shown = handling.has_run and shown.method == method and shown.slot == "read"
        if not is_shown or not handling.would_allow(shown):
            _refuse_change(handling, request, "another handler")
        with handling.as_decided(shown), running(handling, request):
            response = handler(request, *args, **kwargs)
            conclude(handling.vetting, shown, response)
        return response

    return other


def _decided(handling: Handling, decided: Request, handler: Any) -> Any:
    def answer(request: Any, /, *args: Any, **kwargs: Any) -> Any:
        if handling.is_running:
            return handler(request, *args, **kwargs)
        _refuse_changed(handling, decided, request)
        with running(handling, request):
            response = handler(request, *args, **kwargs)
            settle(handling.vetting)
            if not _is_description(handler):
                conclude(handling.vetting, handling.operation(), response)
        return within_stream(handling.vetting, response)

    return answer


def _async_decided(handling: Handling, decided: Request, handler: Any) -> Any:
    async def answer(request: Any, /, *args: Any, **kwargs: Any) -> Any:
        if handling.is_running:
            return await handler(request, *args, **kwargs)
        _refuse_changed(handling, decided, request)
        with running(handling, request):
            response = await handler(request, *args, **kwargs)
            vetting = handling.vetting
            if vetting.pending:
                await sync_to_async(settle)(vetting)
            if vetting.is_open or vetting.unowned:
                await sync_to_async(conclude)(vetting, handling.operation(), response)
        return within_stream(handling.vetting, response)

    return answer


def _is_description(handler: Any) -> bool:
    """Whether this is DRF's own handler that describes a view. It shows no object."""
    return getattr(handler, "__func__", None) is APIView.options


def _refuse_changed(handling: Handling, decided: Request, request: Any) -> None:
    """Refuse if the request, the method or the caller is not the one that was decided."""
    operation = handling.decided
    if operation is None or str(request.method).upper() != operation.method:
        _refuse_change(handling, request, "another method")
    if not isinstance(request, Request):
        return  # a decorator passed Django's own request
    if request._request is not decided._request:
        _refuse_change(handling, request, "another request")
    if caller_of(request) != handling.caller:
        _refuse_change(handling, request, "another caller")


def _refuse_change(handling: Handling, request: Any, what: str) -> None:
    logger.error(
        "%s: %s %s was decided as %s, but the handler got %s: refused. Change a request only "
        "before super().initial().",
        dotted_path(type(handling.view)),
        request.method,
        request.path_info,
        handling.decided and handling.decided.method,
        what,
    )
    raise Unsealed
