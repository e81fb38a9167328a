"""What becomes of an exception between a request and its decision, and of an outage."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest
from rest_framework.exceptions import APIException

from api_guard import credentials
from api_guard.endpoints import dotted_path, view_class_of
from api_guard.exceptions import (
    GuardUnavailable,
    Refusal,
    RuleFailed,
    TooManyFailures,
    Unsealed,
    is_fault,
    is_outage,
)

logger = logging.getLogger("api_guard")

# These are answers, not failures.
_ANSWERS = (APIException, PermissionDenied, Http404, SuspiciousOperation, BadRequest)


def refusal_of(request: HttpRequest, error: Exception) -> Refusal | None:
    """Return what answers an exception that left a view: a refusal, or that something is down.

    What a handler of DRF raises is its own affair, unless it was signing somebody in.
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


@contextmanager
def faults_as_unavailable() -> Iterator[None]:
    """Turn a failing database, cache or network into 503: without them nothing is decided."""
    try:
        yield
    except _ANSWERS:
        raise
    except Exception as error:
        if not is_fault(error):
            raise
        logger.exception("Access could not be decided.")
        raise GuardUnavailable from error


@contextmanager
def failures_as_refusals(view: Any, what: str) -> Iterator[None]:
    """Turn an exception of a rule or a permission into a refusal: it has not said yes."""
    try:
        with faults_as_unavailable():
            yield
    except _ANSWERS:
        raise
    except Exception as error:
        logger.exception("%s of %s raised; refused.", what, dotted_path(type(view)))
        raise RuleFailed from error
