"""What django-oauth-toolkit itself says of its settings (RFC 9700)."""

from __future__ import annotations

from django.core.checks import CheckMessage

from api_guard.oauth2.toolkit import bcp_checks


def toolkit_warnings() -> list[CheckMessage]:
    """Return the messages of django-oauth-toolkit's own security check."""
    return list(bcp_checks(None))
