"""Reports that django-oauth-toolkit is not installed."""

from __future__ import annotations

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured


def require_toolkit() -> None:
    """Raise ImproperlyConfigured with the fix if django-oauth-toolkit is not installed."""
    if not apps.is_installed("oauth2_provider"):
        raise ImproperlyConfigured(
            "api_guard needs django-oauth-toolkit: "
            'INSTALLED_APPS = [..., "rest_framework", "oauth2_provider", "api_guard"]'
        )
