"""Reads the scopes that permissions ask a token for, as those of django-oauth-toolkit do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from rest_framework.permissions import AND

from api_guard.core.scopes import is_scope_name


def scopes_of(permissions: Iterable[Any], view: Any) -> tuple[str, ...]:
    """Return the scopes that all of `permissions` together need for the request of `view`."""
    found = (scope for each in permissions for scope in _scopes_of(each, view))
    return tuple(dict.fromkeys(found))


def described() -> dict[str, str]:
    """Return the scopes of the toolkit's settings, with their descriptions."""
    scopes = (getattr(settings, "OAUTH2_PROVIDER", None) or {}).get("SCOPES") or {}
    return {str(name): str(said) for name, said in dict(scopes).items()}


def _scopes_of(permission: Any, view: Any) -> tuple[str, ...]:
    if type(permission) is AND:
        both: Any = permission
        return scopes_of((both.op1, both.op2), view)
    # The method of the toolkit's TokenHasScope. Of an OR, either side may be enough.
    get_scopes = getattr(permission, "get_scopes", None)
    if get_scopes is None:
        return ()
    try:
        scopes = tuple(get_scopes(view.request, view))
    except Exception:  # noqa: BLE001  # it is a method of the project
        return ()
    return scopes if all(map(is_scope_name, scopes)) else ()
