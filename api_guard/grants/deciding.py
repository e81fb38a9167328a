"""Requests for grants: approve, shorten, decline."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth import get_user_model
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from api_guard import signals
from api_guard.core.ledger import Event
from api_guard.grants.asking import Outcome, close, taken, withdraw
from api_guard.grants.authority import (
    is_break_glass,
    is_of,
    may_give_any,
    may_manage,
    refuse,
    refuse_without_authority,
)
from api_guard.grants.deadlocks import in_transaction
from api_guard.grants.errors import GrantError, refuse_reason
from api_guard.grants.finding import grantee_of, live_of
from api_guard.grants.reading import database
from api_guard.grants.telling import tell_after_commit
from api_guard.grants.terms import is_longer, refuse_terms, terms_of
from api_guard.grants.who import By, note, user_of, who_of
from api_guard.grants.writing import end, give, move
from api_guard.models import GrantApproval, GrantRequest, ScopeGrant, is_past, recorded


def approve(
    request: GrantRequest, *, by: models.Model, expires_at: datetime | None = None
) -> ScopeGrant | GrantRequest:
    """Approve a request. Returns the grant if there are enough approvals, else the request.

    With `expires_at`, the grant ends earlier than was asked for. A sensitive scope needs two
    approvals by users who may grant it at that moment; then the earliest end counts. Neither may be
    the user who asked or the grantee. Raises GrantError: `nobody`, `no_authority`, `own_request`,
    `already_approved`, `closed`, `not_shorter`, `inactive`, and the codes of `grant`.
    """
    if not isinstance(by, get_user_model()):
        raise GrantError("nobody", f"{by!r} is not a user. Only a user can approve: by=user.")
    who = who_of(by)

    def write() -> ScopeGrant | None:
        kept = taken(request)
        to = grantee_of(kept)
        _refuse_approval(kept, to, by, expires_at)
        approvals = GrantApproval.objects.using(database()).filter(request=kept)
        if approvals.filter(by=by).exists():
            raise GrantError("already_approved", _("You have already approved this request."))
        approval = GrantApproval(request=kept, by=by, expires_at=expires_at)
        with recorded():
            approval.save(using=database())
        said = list(approvals.select_for_update())
        able = [each for each in said if _may_approve(each.by, kept, to)]
        is_enough = len(able) >= approvals_needed(kept.scope)
        facts: dict[str, object] = {"request": kept.pk, "approval": approval.pk}
        if expires_at is not None:
            facts["expires_at"] = expires_at
        if is_enough:
            facts["outcome"] = Outcome.GRANTED.value
        note(Event.APPROVE, who, to, kept.scope, "", facts)
        row: ScopeGrant | None = None
        if is_enough:
            close(kept, Outcome.GRANTED, by)
            ends = [kept.expires_at, *(each.expires_at for each in said)]
            until = min((each for each in ends if each is not None), default=None)
            row = _give(kept, to, by, until)
        values = {"request": kept, "by": by, "grant": row}
        tell_after_commit(signals.request_approved, GrantRequest, **values)
        if row is not None and terms_of(kept.scope).is_sensitive:
            tell_after_commit(signals.sensitive_granted, ScopeGrant, grant=row, by=by)
        return row

    made = in_transaction(write)
    request.refresh_from_db()
    return request if made is None else made


def decline(request: GrantRequest, *, by: By, reason: str = "") -> GrantRequest:
    """Decline a request. If the user who asked declines it, it is withdrawn.

    Raises GrantError: `no_authority`, `closed`, `nobody`, or the code of an invalid reason.
    """
    refuse_reason(reason)
    who = who_of(by)
    if isinstance(by, models.Model) and request.asked_by_id is not None and by == request.asked_by:
        return withdraw(request, by=by, reason=reason)

    def write() -> None:
        kept = taken(request)
        refuse_without_authority(by, kept.scope)
        close(kept, Outcome.DECLINED, by, reason)
        note(Event.DECLINE, who, grantee_of(kept), kept.scope, reason, {"request": kept.pk})
        values = {"request": kept, "by": user_of(by)}
        tell_after_commit(signals.request_declined, GrantRequest, **values)

    in_transaction(write)
    request.refresh_from_db()
    return request


def approvals_needed(scope: str) -> int:
    """Return how many users have to approve a request for a scope."""
    return 2 if terms_of(scope).is_sensitive else 1


def _refuse_approval(
    kept: GrantRequest, to: models.Model, by: models.Model, expires_at: datetime | None
) -> None:
    refuse_without_authority(by, kept.scope, to)
    if kept.asked_by_id == by.pk or to == by:
        refuse(by, _("You cannot approve a request by you or for you."), "own_request")
    if isinstance(to, get_user_model()) and getattr(to, "is_active", False) is not True:
        raise GrantError("inactive", _("The user %(name)s is not active."), {"name": to})
    if expires_at is not None:
        if is_past(expires_at, timezone.now()):
            raise GrantError(
                "past", _("The expiry %(moment)s is in the past."), {"moment": expires_at}
            )
        if kept.expires_at is not None and not is_past(expires_at, kept.expires_at):
            said = _("The request asks for less: until %(moment)s.")
            raise GrantError("not_shorter", said, {"moment": kept.expires_at})
    # The settings and the name of the group may have changed since the request.
    refuse_terms(kept.scope, to, kept.expires_at if expires_at is None else expires_at)
    is_break_glass(by, to, "", None)  # refuses the user's own group or client


def _may_approve(person: models.Model, request: GrantRequest, to: models.Model) -> bool:
    """Whether somebody who has said yes might say so now."""
    if may_give_any(person):
        return person != to
    return may_manage(person, request.scope) and person != to and not is_of(person, to)


def _give(
    request: GrantRequest, to: models.Model, by: models.Model, until: datetime | None
) -> ScopeGrant:
    held = live_of(request.scope, to)
    if held is None:
        return give(request.scope, to, by=by, reason=request.reason, expires_at=until)
    if not is_longer(held.expires_at, until) and held.expires_at != until:
        raise GrantError(
            "already_granted",
            _("%(name)s already holds %(scope)r for longer. An approval does not shorten it."),
            {"name": to, "scope": request.scope},
        )
    if held.is_break_glass:
        # Extended, it would still count as one that ends within the hour.
        end(held, by, "replaced by an approved grant")
        return give(request.scope, to, by=by, reason=request.reason, expires_at=until)
    return move(held, until, by, request.reason)
