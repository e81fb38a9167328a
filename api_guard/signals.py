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

# Sent after the commit, each with the row: `request` (a GrantRequest), `by` (the user who decided),
# `grant` (a ScopeGrant; None while more approvals are needed).
request_made = Signal()
request_approved = Signal()
request_declined = Signal()
# A sensitive scope was granted: `grant`, and `by`, who approved it last.
sensitive_granted = Signal()
# Sent by `manage.py guard_notify`, once for each grant and expiry, with `grant`.
grant_expiring = Signal()
grant_expired = Signal()
