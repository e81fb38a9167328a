"""Finds the operation that a request asks for."""

from __future__ import annotations

from typing import Any

from api_guard.core.operations import Operation


def operation_of(view: Any, request: Any) -> Operation:
    """Return the operation that `request` asks for. For a probe, it is that of its method."""
    method = str(getattr(request, "method", None) or "GET").upper()
    actions = getattr(view, "action_map", None) or {}
    # DRF's own answer to OPTIONS has this name. A routed action has another.
    default = "metadata" if method == "OPTIONS" else None
    return Operation(method, actions.get(method.lower(), default))
