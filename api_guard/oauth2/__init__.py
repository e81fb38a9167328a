"""The code for django-oauth-toolkit's authorization server."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api_guard.oauth2.decorators import protected_resource as protected_resource
    from api_guard.oauth2.decorators import rw_protected_resource as rw_protected_resource
    from api_guard.oauth2.scopes import GrantedScopes as GrantedScopes
    from api_guard.oauth2.validators import GuardedValidator as GuardedValidator
    from api_guard.oauth2.validators import GuardedValidatorMixin as GuardedValidatorMixin

__all__ = [
    "GrantedScopes",
    "GuardedValidator",
    "GuardedValidatorMixin",
    "protected_resource",
    "rw_protected_resource",
]

_HOMES = {
    "GrantedScopes": "scopes",
    "GuardedValidator": "validators",
    "GuardedValidatorMixin": "validators",
    "protected_resource": "decorators",
    "rw_protected_resource": "decorators",
}


def __getattr__(name: str) -> object:
    # Lazy (PEP 562): a project may import these before Django's apps are ready.
    if name in _HOMES:
        return getattr(import_module(f"api_guard.oauth2.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
