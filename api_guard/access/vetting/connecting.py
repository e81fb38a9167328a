"""Connects the vetting to Django's signals and connections, and to serializers."""

from __future__ import annotations

from django.db.models.signals import post_save, pre_save

from api_guard.access.vetting.awaiting import wrap_async_serializers
from api_guard.access.vetting.saving import after_save, before_save
from api_guard.access.vetting.serializers import wrap_serializers
from api_guard.access.vetting.sql import listen_to_connections


def connect() -> None:
    """Connect; a second call changes nothing."""
    # For every sender: Django does not look up receivers before it saves in bulk.
    pre_save.connect(before_save, dispatch_uid="api_guard.before_save")
    post_save.connect(after_save, dispatch_uid="api_guard.after_save")
    listen_to_connections()
    wrap_serializers()
    wrap_async_serializers()
