"""Says the line to write where django-oauth-toolkit, to which the tables point, is not there."""

from __future__ import annotations

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured


def require_toolkit() -> None:
    """Say the line to write where django-oauth-toolkit, to which a grant points, is not there."""
    if not apps.is_installed("oauth2_provider"):
        raise ImproperlyConfigured(
            "api_guard needs django-oauth-toolkit: "
            'INSTALLED_APPS = [..., "rest_framework", "oauth2_provider", "api_guard"]'
        )
