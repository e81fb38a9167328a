"""Who a request is from is found out once, by the guard's own way, whoever asks first."""

from __future__ import annotations

import functools
from typing import Any

from rest_framework.request import Request

from api_guard.access.failures import faults_as_unavailable
from api_guard.authentication import authenticate

_FOUND = "_api_guard_found"
_FAILURE = "_api_guard_failure"


def hold_identity(request: Request) -> None:
    """Have `request.user` authenticate as the guard does, where it is asked for early."""
    # DRF's properties call it when they are first read.
    vars(request)["_authenticate"] = functools.partial(_authenticate, request)


def establish(request: Request) -> None:
    """Make sure that the guard has authenticated `request`. Raises what it raised then.

    A copy of a request, as DRF makes them for its probes, has been authenticated with it.
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
