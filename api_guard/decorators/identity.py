"""Authenticates a request once, in the guard's own way, no matter which code asks first."""

from __future__ import annotations

import functools
from typing import Any

from rest_framework.request import Request

from api_guard.access.failures import faults_as_unavailable
from api_guard.authentication import authenticate

_FOUND = "_api_guard_found"
_FAILURE = "_api_guard_failure"


def hold_identity(request: Request) -> None:
    """Make `request.user` authenticate as the guard does, even if a view reads it early."""
    # DRF's properties call this when they are first read.
    vars(request)["_authenticate"] = functools.partial(_authenticate, request)


def establish(request: Request) -> None:
    """Make sure that the guard has authenticated `request`. If that failed, raise the same error.

    DRF copies requests for its probes. A copy counts as authenticated with its original.
    """
    known: Any = vars(request)
    if _FAILURE in known:
        raise known[_FAILURE]
    found = getattr(request._request, _FOUND, None)
    if found is None or found != (id(known.get("_authenticator")), id(known.get("_user"))):
        _authenticate(request)


def _authenticate(request: Request) -> None:
    known: Any = vars(request)
    try:
        with faults_as_unavailable():
            authenticate(request)
    except Exception as error:
        known[_FAILURE] = error
        raise
    found = (id(known.get("_authenticator")), id(known.get("_user")))
    setattr(request._request, _FOUND, found)
