"""django-oauth-toolkit's own checks of its settings (RFC 9700)."""

from __future__ import annotations

import oauthlib
from django.core.checks import CheckMessage
from oauth2_provider.settings import oauth2_settings

from api_guard.oauth2.toolkit import bcp_checks

# GuardedValidator solves these in another way: a redirect without TLS goes only to the loopback
# interface, and with hashed tokens, a repeated refresh gets a new pair.
_SETTLED = ("oauth2_provider.W008", "oauth2_provider.E003", "oauth2_provider.E001")


def toolkit_warnings() -> list[CheckMessage]:
    """Return the messages of django-oauth-toolkit's security check, except solved ones."""
    return [message for message in bcp_checks(None) if message.id not in _SETTLED]


def token_lifetimes() -> tuple[object, object]:
    """Return the lifetimes of access tokens and refresh tokens in seconds, from the settings.

    `None` or 0 means that a refresh token does not expire.
    """
    return (
        oauth2_settings.ACCESS_TOKEN_EXPIRE_SECONDS,
        oauth2_settings.REFRESH_TOKEN_EXPIRE_SECONDS,
    )


def fails_at_devices() -> bool:
    """Whether oauthlib is 4.x: django-oauth-toolkit's own device endpoint fails with it."""
    version: str = oauthlib.__version__
    return version.startswith("4.")
