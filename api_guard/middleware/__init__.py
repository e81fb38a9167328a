"""The gate before a view and the seal after it."""

from api_guard.middleware.gate import GuardMiddleware

__all__ = ["GuardMiddleware"]
