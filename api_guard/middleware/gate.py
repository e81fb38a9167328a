"""The gate before a view, and the order of what the middleware does."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponseBase

from api_guard.access.decisions import record_answer, record_refused
from api_guard.access.endpoints import (
    Status,
    dotted_path,
    endpoint_of,
    gate_status_of,
    has_handed_out_a_token,
    is_whole,
    policy_of,
    view_classes_of,
)
from api_guard.access.failures import page_of, refusal_of, told
from api_guard.access.record import record_route
from api_guard.access.reporting import reported_at
from api_guard.exceptions import Refusal, UndeclaredEndpoint, Unsealed
from api_guard.grants.serving import serving
from api_guard.limits import credentials
from api_guard.middleware.exposed import refuse_exposed, revoke_exposed
from api_guard.middleware.seal import ROUTED, VIEWS, seal
from api_guard.parsers import watch_form

logger = logging.getLogger("api_guard")


class GuardMiddleware:
    """Refuse undeclared views before they run, and answers without a decision after they ran.

    It comes first in `MIDDLEWARE`. It covers all views of Django REST framework, and every view
    below `API_GUARD["PREFIXES"]`.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer the request, and look at the answer."""
        if self.is_async:
            return self._answer(request)
        refused = refuse_exposed(request)
        if refused is None:
            credentials.mark_gated(request)
            watch_form(request)
            try:
                with serving(request):
                    response = told(request, seal(request, self.get_response(request)))
            except BaseException as error:  # a server ends its worker by SystemExit
                credentials.end(request, error)
                raise
            record_answer(request, response)
            if credentials.is_open(request):
                _settle(request, response)
            return response
        revoke_exposed(request)
        return refused

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        refused = refuse_exposed(request)
        if refused is None:
            credentials.mark_gated(request)
            watch_form(request)
            try:
                with serving(request):
                    response = told(request, seal(request, await self.get_response(request)))
            except BaseException as error:
                if credentials.is_open(request):
                    await sync_to_async(credentials.end)(request, error)
                raise
            record_answer(request, response)
            if credentials.is_open(request):
                await sync_to_async(_settle)(request, response)
            return response
        await sync_to_async(revoke_exposed)(request)
        return refused

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """Refuse an endpoint that is not declared and not exempt."""
        del args, kwargs
        record_route(request, view)
        # The path may not be enough to find the view: a middleware may have chosen the URLconf.
        refused = refuse_exposed(request, view)
        if refused is not None:
            revoke_exposed(request)
            return refused
        status, classes = gate_status_of(view, request.path_info), view_classes_of(view)
        # A DRF view reports it itself, because it knows the caller.
        is_reported = status is Status.UNGUARDED and classes and reported_at(request) is not None
        if status is not Status.GUARDED and not is_reported:
            found = refuse_undeclared(view, status, classes)
            if found is not None:
                refusal, endpoint = found
                _log(refusal, request, endpoint)
                record_refused(refusal, request, endpoint=endpoint)
                return refusal.answer()
        if not classes or status is Status.EXEMPT:
            return None
        setattr(request, VIEWS, classes)
        setattr(request, ROUTED, view)
        return None

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        """Answer refusals and outages outside of DRF views, for example in Django's login."""
        refusal = refusal_of(request, exception)
        return None if refusal is None else page_of(refusal, request)


def _log(refusal: Refusal, request: HttpRequest, endpoint: Any) -> None:
    if isinstance(refusal, UndeclaredEndpoint):
        logger.error("%s is neither guarded nor exempt: refused.", request.path_info)
    else:
        logger.error(
            "%s lost its guard: other code replaced its hooks.",
            dotted_path(endpoint),
        )


def refuse_undeclared(
    view: Callable[..., Any], status: Status | None, classes: tuple[type, ...]
) -> tuple[Refusal, Any] | None:
    """Return the refusal of an endpoint that is undeclared or has lost its guard.

    It comes with the class or the function. `status` and `classes` are those of `view`.
    """
    if status is Status.UNGUARDED:
        return UndeclaredEndpoint(), endpoint_of(view)
    lost = (cls for cls in classes if policy_of(cls) is not None and not is_whole(cls))
    found = None if status is Status.EXEMPT else next(lost, None)
    return None if found is None else (Unsealed(), found)


def _settle(request: HttpRequest, response: HttpResponseBase) -> None:
    match = request.resolver_match
    if match is not None and has_handed_out_a_token(match.func, response):
        credentials.succeed(request)
    else:
        credentials.settle(request, response.status_code)
