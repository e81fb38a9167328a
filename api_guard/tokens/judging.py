"""Checks whether an access token may be used here and now."""

from __future__ import annotations

from typing import Any

from oauth2_provider.settings import oauth2_settings

from api_guard import conf
from api_guard.core.audiences import is_meant_for


def is_alive(access_token: Any, request: Any) -> bool:
    """Whether the token is not expired, its user is active and its client is usable.

    `request` is the argument of the client's `is_usable`.
    """
    return not _why_dead(access_token, request)


def is_good(access_token: Any, request: Any, *, uri: str, path: str) -> bool:
    """Whether the token is alive and meant for the resource at `uri` and `path`."""
    return not why_bad(access_token, request, uri=uri, path=path)


def why_bad(access_token: Any, request: Any, *, uri: str, path: str) -> str:
    """Return why the token is not good, in a word for the log; "" for a good one."""
    why = _why_dead(access_token, request)
    if why:
        return why
    # RFC 9449 §7.2 and RFC 8705 §3: a token that is bound to a key is not a plain bearer token.
    if getattr(access_token, "cnf", None):
        return "bound_to_key"
    return "" if _is_for_here(access_token, uri, path) else "other_resource"


def _why_dead(access_token: Any, request: Any) -> str:
    if access_token.is_expired():
        return "expired"
    user, client = access_token.user, access_token.application
    if user is None and client is None:
        return "no_user_and_no_client"
    if user is not None and getattr(user, "is_active", False) is not True:
        return "inactive_user"
    return "" if client is None or client.is_usable(request) is True else "unusable_client"


def audience() -> tuple[str, ...]:
    """Return the names of this API as an audience, from the settings and from its metadata."""
    own: str = oauth2_settings.OAUTH2_PROTECTED_RESOURCE_IDENTIFIER
    names = conf.audience()
    return names if not own or own in names else (*names, own)


def _is_for_here(access_token: Any, uri: str, path: str) -> bool:
    resources = access_token.resource
    if not resources or is_meant_for(resources, audience(), path):
        return True
    # Without a configured audience, the URL of the request is the name of this API.
    return not conf.audience() and access_token.allows_audience(uri) is True
