"""The gate before a view and the seal after it."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.urls import Resolver404, resolve
from django.utils.translation import get_language, get_language_from_path, override

from api_guard import conf, tokens
from api_guard.access.endpoints import (
    Status,
    dotted_path,
    gate_status_of,
    has_handed_out_a_token,
    is_whole,
    policy_of,
    status_of,
    view_class_of,
    view_classes_of,
)
from api_guard.access.failures import in_place_of, page_of, refusal_of, told
from api_guard.access.record import (
    is_covered,
    record_route,
    undecided,
    was_decided,
    was_refused,
)
from api_guard.authentication import resource_metadata
from api_guard.core.policy import Operation
from api_guard.exceptions import (
    InsecureTransport,
    TokenInQuery,
    UndeclaredEndpoint,
    Unsealed,
)
from api_guard.grants.serving import serving
from api_guard.limits import credentials
from api_guard.parsers import watch_form

logger = logging.getLogger("api_guard")

_VIEWS = "_api_guard_views"
_ROUTED = "_api_guard_routed_view"


class GuardMiddleware:
    """Refuse what nobody declared, before it runs; and what nobody decided, after it ran.

    First in `MIDDLEWARE`. It concerns the views of Django REST framework, wherever they are, and
    every view below `API_GUARD["PREFIXES"]`.
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
        refused = _refuse_early(request)
        if refused is None:
            credentials.mark_gated(request)
            watch_form(request)
            with serving(request):
                response = told(request, seal(request, self.get_response(request)))
            if credentials.is_open(request):
                _settle(request, response)
            return response
        _revoke_exposed(request)
        return refused

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        refused = _refuse_early(request)
        if refused is None:
            credentials.mark_gated(request)
            watch_form(request)
            with serving(request):
                response = told(request, seal(request, await self.get_response(request)))
            if credentials.is_open(request):
                await sync_to_async(_settle)(request, response)
            return response
        await sync_to_async(_revoke_exposed)(request)
        return refused

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """Refuse an endpoint that is neither declared nor exempt, whatever it says of itself."""
        del args, kwargs
        record_route(request, view)
        # The path alone may not have led here: a middleware may have chosen the URLconf.
        refused = _refuse_early(request, view)
        if refused is not None:
            _revoke_exposed(request)
            return refused
        status = gate_status_of(view, request.path_info)
        if status is Status.UNGUARDED:
            logger.error("%s is neither guarded nor exempt: refused.", request.path_info)
            return UndeclaredEndpoint().answer()
        classes = view_classes_of(view)
        if not classes or status is Status.EXEMPT:
            return None
        for cls in classes if status is not Status.GUARDED else ():
            if policy_of(cls) is not None and not is_whole(cls):
                logger.error(
                    "%s lost its guard: something was put in the place of its hooks.",
                    dotted_path(cls),
                )
                return Unsealed().answer()
        setattr(request, _VIEWS, classes)
        setattr(request, _ROUTED, view)
        return None

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        """Answer what is refused where no view of DRF does, in Django's login or in a renderer, and
        what a database that is down keeps from being answered.
        """
        refusal = refusal_of(request, exception)
        return None if refusal is None else page_of(refusal, request)


def _settle(request: HttpRequest, response: HttpResponseBase) -> None:
    match = request.resolver_match
    if match is not None and has_handed_out_a_token(match.func, response):
        credentials.succeed(request)
    else:
        credentials.settle(request, response.status_code)


def _refuse_early(
    request: HttpRequest, view: Callable[..., Any] | None = None
) -> HttpResponseBase | None:
    """Refuse what must not even be redirected: a secret that came where others can read it."""
    if _is_plaintext(request) and _is_concerned(request, view):
        return InsecureTransport().answer()
    has_token = "access_token" in request.META.get("QUERY_STRING", "")
    if has_token and "access_token" in request.GET and _is_concerned(request, view):
        return TokenInQuery(resource_metadata(request)).answer()
    return None


def _revoke_exposed(request: HttpRequest) -> None:
    """Revoke the tokens of a request that was refused for how it came, if the project says so."""
    if not conf.revoke_exposed_tokens():
        return
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() == "bearer" and _is_plaintext(request):
        tokens.revoke_exposed(token.strip())
    for named in request.GET.getlist("access_token"):
        tokens.revoke_exposed(named)


def _is_plaintext(request: HttpRequest) -> bool:
    # A redirect would teach clients to send their tokens in clear, and to follow it.
    if settings.SECURE_SSL_REDIRECT is not True or request.is_secure():
        return False
    path = request.path_info.lstrip("/")
    return not any(re.search(pattern, path) for pattern in settings.SECURE_REDIRECT_EXEMPT)


def _is_concerned(request: HttpRequest, view: Callable[..., Any] | None) -> bool:
    path = request.path_info
    if view is None:
        try:
            # A path of i18n_patterns() is found in its own language only, which nobody set so far.
            with override(get_language_from_path(path) or get_language()):
                view = resolve(path, getattr(request, "urlconf", None)).func
        except Resolver404:
            return False
    return status_of(view, path) is not None


def seal(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Return `response`, or a refusal in its place where it is a success that nobody decided."""
    if response.status_code >= 400:
        return response
    loose = undecided(request) or _passed_by(request)
    if not loose or is_covered(request):
        return response
    if _is_from_cache(request) and _is_public(request):
        return response  # decided when it was stored, and for everybody
    logger.error(
        "%s: %s %s was answered without a decision, and what was done is done. Where the view has "
        "a dispatch() of its own, call super().dispatch() in it; where a cache, a decorator or "
        "another middleware answered for it, put that inside the view.",
        dotted_path(loose[0]),
        request.method,
        request.path_info,
    )
    return in_place_of(response, Unsealed().answer())


def _passed_by(request: HttpRequest) -> tuple[type, ...]:
    """Return the views that were to answer, where something answered before any of them did."""
    views: tuple[type, ...] = getattr(request, _VIEWS, ())
    has_answered = any(was_decided(request, cls) or was_refused(request, cls) for cls in views)
    return () if has_answered else views


def _is_public(request: HttpRequest) -> bool:
    """Whether what was routed answers everybody."""
    view = getattr(request, _ROUTED, None)
    view_class = None if view is None else view_class_of(view)
    method = str(request.method)
    policy, actions = policy_of(view_class), getattr(view, "actions", None) or {}
    operation = Operation(method, actions.get(method.lower()))
    requirement = policy.requirement_for(operation) if policy is not None else None
    return requirement is not None and requirement.is_public


def _is_from_cache(request: HttpRequest) -> bool:
    """Whether Django's cache middleware, `cache_page` included, found this answer."""
    # For any other method the flag only says that nothing will be stored.
    is_kept = request.method in ("GET", "HEAD")
    return is_kept and getattr(request, "_cache_update_cache", True) is False
