"""What django-oauth-toolkit itself says of its settings (RFC 9700)."""

from __future__ import annotations

from django.core.checks import CheckMessage
from oauth2_provider.checks import validate_bcp_configuration


def toolkit_warnings() -> list[CheckMessage]:
    """Return the messages of django-oauth-toolkit's own security check."""
    return list(validate_bcp_configuration(None))
