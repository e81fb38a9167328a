"""Guarded, the default that refuses undeclared views, and HasScopes for `permission_classes`."""

from api_guard.permissions.declared import Guarded, HasScopes
from api_guard.permissions.refusing import refusal_for
from api_guard.permissions.strict import strict

__all__ = ["Guarded", "HasScopes", "refusal_for", "strict"]
