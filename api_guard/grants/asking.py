"""Requests for grants: who asks, what is open, and how one is withdrawn."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from api_guard import conf, signals
from api_guard.core.ledger import Event, Who
from api_guard.grants.authority import managed_scopes, refuse
from api_guard.grants.deadlocks import in_transaction
from api_guard.grants.errors import GrantError, from_validation, meanwhile, refuse_reason
from api_guard.grants.finding import grantee_of, kind_of
from api_guard.grants.reading import database
from api_guard.grants.telling import tell_after_commit
from api_guard.grants.who import By, note, user_of, who_of
from api_guard.models import GrantRequest, is_past, recorded

Outcome = GrantRequest.Outcome


def ask(
    scope: str, to: models.Model, *, by: By, reason: str, expires_at: datetime | None
) -> GrantRequest:
    """Create and return a request to grant `scope`.

    Raises GrantError: `already_asked`, `past` or `meanwhile`.
    """
    kind, who = kind_of(to), who_of(by)

    def make() -> GrantRequest:
        end_lapsed(expired, who)
        row = GrantRequest(
            scope=scope, reason=reason, expires_at=expires_at, asked_at=timezone.now()
        )
        for name, value in ((kind, to), ("asked_by", user_of(by))):
            setattr(row, name, value)
        with recorded():
            row.save(using=database())
        note(Event.REQUEST, who, to, scope, reason, {"request": row.pk, "expires_at": expires_at})
        tell_after_commit(signals.request_made, GrantRequest, request=row)
        return row

    if expires_at is not None and is_past(expires_at, timezone.now()):
        raise GrantError("past", _("The expiry %(moment)s is in the past."), {"moment": expires_at})
    mine = undecided().filter(scope=scope, **{kind: to})
    expired = [row for row in mine if not is_open(row)]
    if mine.exclude(pk__in=[row.pk for row in expired]).exists():
        raise _already_asked(to, scope)
    try:
        return in_transaction(make)
    except ValidationError as error:
        raise from_validation(error) from None
    except IntegrityError as error:
        if not mine.all().exists():
            raise meanwhile() from error  # the grantee was deleted
        # Another process asked for the same between the check and the insert.
        raise _already_asked(to, scope) from None


def withdraw(request: GrantRequest, *, by: models.Model, reason: str = "") -> GrantRequest:
    """Withdraw a request. Only the user who asked can do this.

    Raises GrantError: `no_authority`, `closed`, `nobody`, or the code of an invalid reason.
    """
    refuse_reason(reason)
    who = who_of(by)

    def write() -> None:
        kept = taken(request)
        if kept.asked_by_id is None or by != kept.asked_by:
            refuse(by, _("Only the user who asked can withdraw a request."))
        close(kept, Outcome.WITHDRAWN, by, reason)
        note(Event.WITHDRAW, who, grantee_of(kept), kept.scope, reason, {"request": kept.pk})

    in_transaction(write)
    request.refresh_from_db()
    return request


def open_requests() -> QuerySet[GrantRequest]:
    """Return the requests that wait to be decided."""
    since = timezone.now() - conf.request_lifetime()
    return _rows().filter(outcome=Outcome.OPEN, asked_at__gt=since)


def undecided() -> QuerySet[GrantRequest]:
    """Return the requests that are open or too old. A grantee has one of each scope."""
    return _rows().filter(undecided=1)


def end_lapsed(requests: Iterable[GrantRequest], who: Who) -> None:
    """Close requests that are too old, in the open transaction, each with its record."""
    for old in requests:
        if close(old, Outcome.EXPIRED):
            note(Event.EXPIRE, who, grantee_of(old), old.scope, "", {"request": old.pk})


def requests_of(user: models.Model) -> QuerySet[GrantRequest]:
    """Return the requests that a user has made for itself, the newest first."""
    return _rows().filter(user=user.pk, asked_by=user.pk).order_by("-pk")


def decidable(by: models.Model) -> QuerySet[GrantRequest]:
    """Return the open requests that a user may decide: not its own, nor those it has approved."""
    mine = Q(user=by.pk) | Q(asked_by=by.pk) | Q(approvals__by=by.pk)
    # Written out: NOT of a condition on a column that is NULL would be NULL.
    rows = open_requests().filter(scope__in=list(managed_scopes(by)))
    return rows.exclude(pk__in=open_requests().filter(mine).values("pk")).order_by("pk")


def judged_by(by: models.Model) -> QuerySet[GrantRequest]:
    """Return the requests, decided or not, for the scopes that a user may grant."""
    return _rows().filter(scope__in=list(managed_scopes(by)))


def is_open(request: GrantRequest) -> bool:
    """Whether a request that was read waits to be decided."""
    return request.outcome == Outcome.OPEN and timezone.now() < closes_at(request)


def closes_at(request: GrantRequest) -> datetime:
    """Return the time from which on nobody can approve a request."""
    return request.asked_at + conf.request_lifetime()


def state_of(request: GrantRequest) -> str:
    """Return `open`, `granted`, `declined`, `withdrawn` or `expired`."""
    if request.outcome != Outcome.OPEN:
        return request.outcome
    return "open" if is_open(request) else Outcome.EXPIRED.value


def taken(request: GrantRequest) -> GrantRequest:
    """Lock an open request and return its current row. Raises GrantError `closed`."""
    rows = _rows().filter(pk=request.pk)
    with recorded():
        # Write first: this locks the row, on SQLite too.
        rows.order_by().update(outcome=models.F("outcome"))
    # Locked, so that MySQL does not show a long transaction what was there when it began.
    kept = open_requests().select_for_update().filter(pk=request.pk).first()
    if kept is None:
        days = conf.request_lifetime().days
        raise GrantError(
            "closed",
            _("The request is already decided, or older than %(days)d days."),
            {"days": days},
        )
    return kept


def close(request: GrantRequest, outcome: str, by: By | None = None, reason: str = "") -> bool:
    """Write how an open request ended. Return False if another process has done so."""
    rows: Any = _rows().filter(pk=request.pk, outcome=Outcome.OPEN)
    user = None if by is None else user_of(by)
    with recorded():
        done = rows.order_by().update(
            outcome=outcome, decided_at=timezone.now(), decided_by=user, decision_reason=reason
        )
    return bool(done)


def _rows() -> QuerySet[GrantRequest]:
    return GrantRequest.objects.using(database())


def _already_asked(to: models.Model, scope: str) -> GrantError:
    said = _("%(name)s already has an open request for %(scope)r.")
    return GrantError("already_asked", said, {"name": to, "scope": scope})
