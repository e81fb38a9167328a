"""The signals that a project may receive."""

from __future__ import annotations

from django.dispatch import Signal

# Sent each time that a limit of failed credentials is reached, with `block`, a
# `api_guard.limits.credentials.Block`.
credentials_blocked = Signal()

# Sent for each decision, with `decision`, a `api_guard.core.decision_records.DecisionRecord`, and
# `request`, Django's. The sender is the class of the view, None where that is not known. What a
# receiver raises is logged, and changes no answer.
access_allowed = Signal()
access_denied = Signal()
