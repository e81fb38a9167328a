"""The last gate, in DRF's own APIView: every view passes it, whoever calls it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rest_framework.views import APIView

from api_guard.access.gate.entrance import checked_initial, planted, planted_setup
from api_guard.access.gate.refusing import completed

__all__ = ["install"]

_MARK = "is_api_guard_gate"

# dispatch() itself is left alone: as_view() copies what is noted at it, and subclasses replace it.
_WRAPPERS: dict[str, Callable[[Any], Any]] = {
    "__new__": planted,
    "setup": planted_setup,
    "initial": checked_initial,
    "handle_exception": completed,
}


def install() -> None:
    """Put the gate into APIView; a second time changes nothing, whatever stands around it."""
    for name, wrap in _WRAPPERS.items():
        if not hasattr(getattr(APIView, name), _MARK):
            wrapper = wrap(APIView.__dict__.get(name))
            setattr(wrapper, _MARK, True)
            setattr(APIView, name, staticmethod(wrapper) if name == "__new__" else wrapper)
