"""The default that refuses what is undeclared, and scopes for `permission_classes`."""

from api_guard.permissions.declared import Guarded, HasScopes
from api_guard.permissions.refusing import refuse
from api_guard.permissions.strict import strict

__all__ = ["Guarded", "HasScopes", "refuse", "strict"]
