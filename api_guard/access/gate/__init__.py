"""The last gate, in DRF's own APIView: every view passes it, no matter how it is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rest_framework.views import APIView

from api_guard.access.gate.entrance import checked_initial
from api_guard.access.gate.planting import planted, planted_setup
from api_guard.access.gate.refusing import completed

__all__ = ["install"]

_MARK = "is_api_guard_gate"

# Do not wrap dispatch() itself: as_view() copies its attributes, and subclasses replace it.
_WRAPPERS: dict[str, Callable[[Any], Any]] = {
    "__new__": planted,
    "setup": planted_setup,
    "initial": checked_initial,
    "handle_exception": completed,
}


def install() -> None:
    """Put the gate into APIView. A second call changes nothing, even if others wrapped it since."""
    for name, wrap in _WRAPPERS.items():
        if not hasattr(getattr(APIView, name), _MARK):
            wrapper = wrap(APIView.__dict__.get(name))
            setattr(wrapper, _MARK, True)
            setattr(APIView, name, staticmethod(wrapper) if name == "__new__" else wrapper)
