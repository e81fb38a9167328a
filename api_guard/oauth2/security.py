"""What django-oauth-toolkit itself says of its settings (RFC 9700)."""

from __future__ import annotations

import oauthlib
from django.core.checks import CheckMessage
from oauth2_provider.settings import oauth2_settings

from api_guard.oauth2.toolkit import bcp_checks

# What GuardedValidator does better than by forbidding it: an address in clear is refused unless it
# is a loopback one, and a retry is answered by a fresh pair where tokens are stored hashed.
_SETTLED = ("oauth2_provider.W008", "oauth2_provider.E003", "oauth2_provider.E001")


def toolkit_warnings() -> list[CheckMessage]:
    """Return the messages of django-oauth-toolkit's own security check, but for what is settled."""
    return [message for message in bcp_checks(None) if message.id not in _SETTLED]


def token_lifetimes() -> tuple[object, object]:
    """Return for how many seconds access tokens and refresh tokens are good, as the settings say.

    A refresh token without an end is `None` or 0.
    """
    return (
        oauth2_settings.ACCESS_TOKEN_EXPIRE_SECONDS,
        oauth2_settings.REFRESH_TOKEN_EXPIRE_SECONDS,
    )


def fails_at_devices() -> bool:
    """Whether django-oauth-toolkit's own device endpoint fails with this oauthlib, which is 4.0."""
    version: str = oauthlib.__version__
    return version.startswith("4.")
