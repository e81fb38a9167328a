"""The signals that a project may receive."""

from __future__ import annotations

from django.dispatch import Signal

# Sent each time that a limit of failed credentials is reached, with `block`, a
# `api_guard.limits.credentials.Block`.
credentials_blocked = Signal()
