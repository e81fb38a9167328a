"""Registers the checks, the receivers of signals, and the last gate in DRF's APIView."""

from __future__ import annotations

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.core import checks
from django.db.models.signals import post_delete, post_save, pre_save
from django.utils.translation import gettext_lazy as _


class APIGuardConfig(AppConfig):
    """The app."""

    name = "api_guard"
    verbose_name = _("API guard")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register everything here, because importing must have no effect. May run twice."""
        from api_guard.access import gate, receivers
        from api_guard.access.vetting import connect
        from api_guard.checks import CHECKS, DATABASE_CHECKS, DEPLOY_CHECKS
        from api_guard.grants import using
        from api_guard.oauth2 import signals

        gate.install()
        for check in CHECKS:
            checks.register(check, checks.Tags.security)
        for database_check in DATABASE_CHECKS:
            checks.register(database_check, checks.Tags.database)
        for check in DEPLOY_CHECKS:
            checks.register(check, checks.Tags.security, deploy=True)
        connect()
        receivers.connect()
        using.connect()
        # For every sender, because a proxy of the user model is a sender of its own.
        pre_save.connect(signals.remember_change, dispatch_uid="api_guard")
        post_save.connect(signals.revoke_after_change, dispatch_uid="api_guard")
        user_logged_in.connect(signals.remember_sign_in, dispatch_uid="api_guard.oauth2")
        # Only for clients: with a receiver for all models, Django would load all rows that it
        # deletes.
        post_delete.connect(
            signals.forget_device_codes, signals.client_model(), dispatch_uid="api_guard"
        )
