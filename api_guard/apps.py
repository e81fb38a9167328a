"""Registers the checks."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks


class APIGuardConfig(AppConfig):
    """The app."""

    name = "api_guard"
    verbose_name = "API guard"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks explicitly, so that importing them has no effect."""
        from api_guard.checks import CHECKS, DEPLOY_CHECKS

        for check in CHECKS:
            checks.register(check, checks.Tags.security)
        for check in DEPLOY_CHECKS:
            checks.register(check, checks.Tags.security, deploy=True)
