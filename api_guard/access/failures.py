"""Turns an exception before the decision, or an outage, into an answer."""

from __future__ import annotations

import logging
import sys
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.core.signals import got_request_exception
from django.http import Http404, HttpRequest, HttpResponseBase
from rest_framework.exceptions import APIException

from api_guard.access.decisions import record_refused
from api_guard.access.endpoints import dotted_path, view_class_of
from api_guard.exceptions import (
    GuardUnavailable,
    Refusal,
    RuleFailed,
    TooManyFailures,
    Unsealed,
    is_fault,
    is_outage,
)
from api_guard.limits import credentials

logger = logging.getLogger("api_guard")

_FAILED = "_api_guard_failed"

# These are answers, not failures.
_ANSWERS = (APIException, PermissionDenied, Http404, SuspiciousOperation, BadRequest)


def refusal_of(request: HttpRequest, error: Exception) -> Refusal | None:
    """Return the refusal or outage that answers an exception from a view, or None.

    Exceptions of a DRF handler are left alone, unless it was signing a user in.
    """
    if isinstance(error, (TooManyFailures, GuardUnavailable, Unsealed)):
        return error
    if not is_outage(error) or not (credentials.is_open(request) or _is_page(request)):
        return None
    logger.error("%s could not be answered.", request.path_info, exc_info=error)
    return GuardUnavailable()


def _is_page(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is None or view_class_of(match.func) is None


def page_of(refusal: Refusal, request: HttpRequest) -> HttpResponseBase:
    """Return the answer of a refusal; a browser gets a line of text."""
    record_refused(refusal, request)
    response = refusal.answer()
    if refusal.wait is not None and "text/html" in request.headers.get("Accept", ""):
        text = f"{refusal.default_detail} Try again in {refusal.wait} seconds."
        response.headers["Content-Type"] = "text/plain; charset=utf-8"
        response.content = text.encode()
    return response


def _note(*, request: HttpRequest | None = None, **_: object) -> None:
    """Remember an exception that Django answers with a 500 and process_exception() missed."""
    error = sys.exc_info()[1]
    if request is not None and isinstance(error, Exception):
        request.__dict__[_FAILED] = refusal_of(request, error)


got_request_exception.connect(_note, dispatch_uid="api_guard.failed")


def told(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Return `response`, or the refusal that explains a 500 of a middleware."""
    refusal = request.__dict__.get(_FAILED) if response.status_code == 500 else None
    return response if refusal is None else in_place_of(response, page_of(refusal, request))


def in_place_of(response: HttpResponseBase, refused: HttpResponseBase) -> HttpResponseBase:
    """Return `refused`, which also closes the resources of `response`."""
    # close() would end the request, and the server must do that only once.
    closers: Any = response
    refused._resource_closers.extend(closers._resource_closers)  # type: ignore[attr-defined]
    closers._resource_closers.clear()
    return refused


class faults_as_unavailable:  # noqa: N801  # a context manager, which reads as a function
    """Turn a failing database, cache or network into 503, because nothing can be decided."""

    # A class, because every request enters several, and a generator takes three times as long.
    __slots__ = ()

    def __enter__(self) -> None:
        """Watch."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, _ANSWERS) or not isinstance(error, Exception):
            return
        if is_fault(error):
            logger.error("Access could not be decided.", exc_info=error)
            raise GuardUnavailable from error


class failures_as_refusals(faults_as_unavailable):  # noqa: N801
    """Turn an exception of a rule or a permission into a refusal, because it did not say yes."""

    __slots__ = ("_view", "_what")

    def __init__(self, view: Any, what: str) -> None:
        self._view, self._what = view, what

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        super().__exit__(kind, error, trace)
        if error is None or isinstance(error, _ANSWERS) or not isinstance(error, Exception):
            return
        name = dotted_path(type(self._view))
        logger.error("%s of %s raised; refused.", self._what, name, exc_info=error)
        raise RuleFailed from error
