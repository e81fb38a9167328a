"""Narrows scopes to those that a token may carry now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model

from api_guard import grants
from api_guard.core.scopes import PROTOCOL_SCOPES, Credential, effective_scopes


def live_scopes(scopes: Iterable[str], user: Any, client: Any) -> list[str]:
    """Return the `scopes` that both the user and the client of a token hold now.

    The result is empty if the user is inactive. `user` is None for a client on its own behalf.
    Protocol scopes need no grant, but a user: a client alone cannot sign anybody in.
    """
    asked = list(dict.fromkeys(scopes))
    if client is None or (user is not None and not is_active(user)):
        return []
    granted, _ = grants.granted(user, client.pk)
    held = effective_scopes(Credential.TOKEN, frozenset(asked), granted)
    if user is not None:
        held |= PROTOCOL_SCOPES
    return [name for name in asked if name in held]


def is_active(user: object) -> bool:
    """Whether `user` is an active user of this site.

    A user name from request parameters is a string, and not a user.
    """
    return isinstance(user, get_user_model()) and getattr(user, "is_active", False) is True
