"""Approves and declines, and says what was done, what was not and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from api_guard import grants
from api_guard.admin.grant_requests.standing import ending
from api_guard.admin.granting import moment, whom_what
from api_guard.admin.managers import person_of
from api_guard.models import GrantRequest, ScopeGrant


@dataclass
class Done:
    """The requests that were granted, approved (others have to approve too), ended or refused."""

    granted: list[ScopeGrant] = field(default_factory=list)
    approved: list[GrantRequest] = field(default_factory=list)
    declined: list[GrantRequest] = field(default_factory=list)
    withdrawn: list[GrantRequest] = field(default_factory=list)
    refused: dict[str, list[GrantRequest]] = field(default_factory=dict)
    errors: list[grants.GrantError] = field(default_factory=list)


def approve(
    model_admin: Any, request: HttpRequest, rows: Iterable[GrantRequest], until: datetime | None
) -> Done:
    """Approve each request, each in a transaction of its own."""
    done = Done()

    def act(row: GrantRequest) -> None:
        made = grants.approve(row, by=person_of(request), expires_at=until)
        if isinstance(made, GrantRequest):
            done.approved.append(row)
        else:
            done.granted.append(made)
        model_admin.log_change(request, row, "Approved.")

    _each(rows, act, done)
    return done


def decline(
    model_admin: Any, request: HttpRequest, rows: Iterable[GrantRequest], reason: str
) -> Done:
    """Decline each request, each in a transaction of its own. One's own is withdrawn."""
    done = Done()

    def act(row: GrantRequest) -> None:
        grants.decline(row, by=person_of(request), reason=reason)
        is_withdrawn = row.outcome == GrantRequest.Outcome.WITHDRAWN
        (done.withdrawn if is_withdrawn else done.declined).append(row)
        said = "Withdrawn." if is_withdrawn else "Declined."
        model_admin.log_change(request, row, f"{said} {reason}")

    _each(rows, act, done)
    return done


def tell(request: HttpRequest, done: Done) -> None:
    """Tell the person all that was done, and what was not and why."""
    ends: dict[datetime | None, list[ScopeGrant]] = {}
    for made in done.granted:
        ends.setdefault(made.expires_at, []).append(made)
    for until, rows in ends.items():
        when = _("Granted until %s:") % moment(until) if until else _("Granted:")
        messages.success(request, f"{when} {whom_what(rows)}")
    if done.approved:
        said = _("Approved. Others have to approve it too: %s")
        messages.success(request, said % whom_what(done.approved))
    if done.declined:
        messages.success(request, _("Declined: %s") % whom_what(done.declined))
    if done.withdrawn:
        messages.success(request, _("Withdrawn: %s") % whom_what(done.withdrawn))
    for why, refused in done.refused.items():
        text = _("Nothing was changed for %(what)s: %(why)s")
        messages.warning(request, text % {"what": whom_what(refused), "why": why})


def why_refused(row: GrantRequest, error: grants.GrantError) -> str:
    """Return why, and if somebody else was faster, who."""
    rows = type(row)._base_manager.using(grants.database()).select_related("decided_by")
    kept = rows.filter(pk=row.pk).first() if error.code == "closed" else None
    # It is gone if its grantee was deleted.
    return error.detail if kept is None else _("Meanwhile: %s") % ending(kept)


def _each(rows: Iterable[GrantRequest], act: Callable[[GrantRequest], None], done: Done) -> None:
    for row in rows:
        try:
            act(row)
        except grants.GrantError as error:
            done.errors.append(error)
            done.refused.setdefault(why_refused(row, error), []).append(row)
