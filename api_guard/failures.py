"""What becomes of an exception between a request and its decision."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.http import Http404
from rest_framework.exceptions import APIException

from api_guard.endpoints import dotted_path
from api_guard.exceptions import GuardUnavailable, RuleFailed, is_fault

logger = logging.getLogger("api_guard")

# These are answers, not failures.
_ANSWERS = (APIException, PermissionDenied, Http404, SuspiciousOperation, BadRequest)


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
