"""The gate before a view and the seal after it."""

from api_guard.middleware.gate import GuardMiddleware, refuse_undeclared

__all__ = ["GuardMiddleware", "refuse_undeclared"]
