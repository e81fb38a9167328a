"""Requests for grants: ask, approve, decline."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet
from django.utils import timezone

from api_guard.core.ledger import Event
from api_guard.grants.authority import (
    is_break_glass,
    is_of,
    may_give_any,
    may_manage,
    refuse,
    refuse_terms,
    refuse_without_authority,
    terms_of,
)
from api_guard.grants.deadlocks import in_transaction
from api_guard.grants.errors import GrantError, from_validation, refuse_reason
from api_guard.grants.finding import grantee_of, kind_of, live_of
from api_guard.grants.reading import database
from api_guard.grants.who import By, note, user_of, who_of
from api_guard.grants.writing import give, move
from api_guard.models import GrantApproval, GrantRequest, ScopeGrant, is_past, recorded

# After this time, nobody remembers the reason for the request.
OPEN_FOR = timedelta(days=14)
_OPEN, _GRANTED, _DECLINED = GrantRequest.Outcome


def ask(
    scope: str, to: models.Model, *, by: By, reason: str, expires_at: datetime | None
) -> GrantRequest:
    """Create and return a request to grant `scope`.

    Raises GrantError: `already_asked` or `past`.
    """
    kind, who = kind_of(to), who_of(by)

    def make() -> GrantRequest:
        row = GrantRequest(scope=scope, reason=reason, expires_at=expires_at)
        for name, value in ((kind, to), ("asked_by", user_of(by))):
            setattr(row, name, value)
        with recorded():
            row.save(using=database())
        note(Event.REQUEST, who, to, scope, reason, {"request": row.pk, "expires_at": expires_at})
        return row

    if expires_at is not None and is_past(expires_at, timezone.now()):
        raise GrantError("past", f"The expiry {expires_at} is in the past.")
    if open_requests().filter(scope=scope, **{kind: to}).exists():
        raise GrantError("already_asked", f"{to} already has an open request for {scope!r}.")
    try:
        return in_transaction(make)
    except ValidationError as error:
        raise from_validation(error) from None


def approve(request: GrantRequest, *, by: models.Model) -> ScopeGrant | GrantRequest:
    """Approve a request. Returns the grant if there are enough approvals, else the request.

    A sensitive scope needs two approvals by users who may grant it at that moment. Neither may be
    the user who asked or the grantee. Raises GrantError: `nobody`, `no_authority`, `own_request`,
    `already_approved`, `closed`, and the codes of `grant`.
    """
    if not isinstance(by, get_user_model()):
        raise GrantError("nobody", f"{by!r} is not a user. Only a user can approve: by=user.")
    who = who_of(by)

    def write() -> ScopeGrant | None:
        kept = _taken(request)
        to = grantee_of(kept)
        refuse_without_authority(by, kept.scope, to)
        if kept.asked_by_id == by.pk or to == by:
            refuse(by, "You cannot approve a request by you or for you.", "own_request")
        # The settings and the name of the group may have changed since the request.
        refuse_terms(kept.scope, to, kept.expires_at)
        is_break_glass(by, to, "", None)  # refuses the user's own group or client
        approvals = GrantApproval.objects.using(database()).filter(request=kept)
        if approvals.filter(by=by).exists():
            raise GrantError("already_approved", "You have already approved this request.")
        with recorded():
            GrantApproval(request=kept, by=by).save(using=database())
        note(Event.APPROVE, who, to, kept.scope, "", {"request": kept.pk})
        people = [each.by for each in approvals.select_for_update()]
        if len([person for person in people if _may_approve(person, kept, to)]) < _needed(kept):
            return None
        _close(kept, _GRANTED)
        return _give(kept, to, by)

    made = in_transaction(write)
    request.refresh_from_db()
    return request if made is None else made


def decline(request: GrantRequest, *, by: By, reason: str = "") -> GrantRequest:
    """Decline a request. The user who asked may also withdraw it this way.

    Raises GrantError: `no_authority`, `closed`, `nobody`, or the code of an invalid reason.
    """
    refuse_reason(reason)
    who = who_of(by)

    def write() -> None:
        kept = _taken(request)
        if kept.asked_by_id is None or by != kept.asked_by:
            refuse_without_authority(by, kept.scope)
        _close(kept, _DECLINED)
        note(Event.DECLINE, who, grantee_of(kept), kept.scope, reason, {"request": kept.pk})

    in_transaction(write)
    request.refresh_from_db()
    return request


def open_requests() -> QuerySet[GrantRequest]:
    """Return the requests that are not decided yet."""
    rows = GrantRequest.objects.using(database())
    return rows.filter(outcome=_OPEN, asked_at__gt=timezone.now() - OPEN_FOR)


def _may_approve(person: models.Model, request: GrantRequest, to: models.Model) -> bool:
    """Whether somebody who has said yes might say so now."""
    if may_give_any(person):
        return person != to
    return may_manage(person, request.scope) and person != to and not is_of(person, to)


def is_open(request: GrantRequest) -> bool:
    """Whether a request that was read waits to be decided."""
    return request.outcome == _OPEN and request.asked_at > timezone.now() - OPEN_FOR


def _needed(request: GrantRequest) -> int:
    return 2 if terms_of(request.scope).is_sensitive else 1


def _taken(request: GrantRequest) -> GrantRequest:
    """Lock the request and return its current row. Raises GrantError `closed`."""
    rows = GrantRequest.objects.using(database()).filter(pk=request.pk)
    with recorded():
        # Write first: this locks the row, on SQLite too.
        rows.order_by().update(outcome=models.F("outcome"))
    # Locked, so that MySQL does not show a long transaction what was there when it began.
    kept = open_requests().select_for_update().filter(pk=request.pk).first()
    if kept is None:
        raise GrantError(
            "closed", f"The request is already decided, or older than {OPEN_FOR.days} days."
        )
    return kept


def _close(request: GrantRequest, outcome: str) -> None:
    rows: Any = GrantRequest.objects.using(database()).filter(pk=request.pk)
    with recorded():
        rows.update(outcome=outcome, decided_at=timezone.now())


def _give(request: GrantRequest, to: models.Model, by: models.Model) -> ScopeGrant:
    held = live_of(request.scope, to)
    if held is not None:
        return move(held, request.expires_at, by, request.reason)
    return give(request.scope, to, by=by, reason=request.reason, expires_at=request.expires_at)
