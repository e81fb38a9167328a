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
    if access_token.is_expired():
        return False
    user, client = access_token.user, access_token.application
    if user is None and client is None:
        return False
    if user is not None and user.is_active is not True:
        return False
    return client is None or client.is_usable(request) is True


def is_good(access_token: Any, request: Any, *, uri: str, path: str) -> bool:
    """Whether the token is alive and meant for the resource at `uri` and `path`."""
    if not is_alive(access_token, request):
        return False
    # RFC 9449 §7.2 and RFC 8705 §3: a token that is bound to a key is not a plain bearer token.
    if getattr(access_token, "cnf", None):
        return False
    return _is_for_here(access_token, uri, path)


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
