"""What becomes of an exception between a request and its decision."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.http import Http404
from rest_framework.exceptions import APIException

from api_guard.endpoints import dotted_path
from api_guard.exceptions import GuardUnavailable, RuleFailed, is_fault

logger = logging.getLogger("api_guard")

# These are answers, not failures.
_ANSWERS = (APIException, PermissionDenied, Http404, SuspiciousOperation, BadRequest)


class faults_as_unavailable:  # noqa: N801  # a context manager, which reads as a function
    """Turn a failing database, cache or network into 503: without them nothing is decided."""

    # A class, for every request enters several: a generator takes three times as long.
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
    """Turn an exception of a rule or a permission into a refusal: it has not said yes."""

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
