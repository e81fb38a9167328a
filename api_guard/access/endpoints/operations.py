"""Which operation a request asks a view for."""

from __future__ import annotations

from typing import Any

from api_guard.core.policy import Operation


def operation_of(view: Any, request: Any) -> Operation:
    """Return the operation that `request` asks for; a probe's is that of its method."""
    method = str(getattr(request, "method", None) or "GET").upper()
    actions = getattr(view, "action_map", None) or {}
    # DRF's own answer to OPTIONS goes by this name, a routed one by its own.
    default = "metadata" if method == "OPTIONS" else None
    return Operation(method, actions.get(method.lower(), default))
