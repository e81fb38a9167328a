"""Revokes or extends many grants in one transaction, a page at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from api_guard.core.ledger import Event
from api_guard.grants.deadlocks import in_transaction
from api_guard.grants.errors import GrantError, refuse_reason
from api_guard.grants.finding import grantee_of, with_grantees
from api_guard.grants.judging import Judge
from api_guard.grants.reading import stored
from api_guard.grants.who import By, note_many, who_of
from api_guard.grants.writing import closed, lock_on_sqlite
from api_guard.models import ScopeGrant, is_past, recorded

_PAGE = 1000
# Called in the transaction with each page of the grants that are changed.
Told = Callable[[Sequence[ScopeGrant]], None]


@dataclass(frozen=True)
class Changed:
    """How many grants were changed, and how many were not, by reason."""

    count: int
    refused: Mapping[str, int]


def revoke_many(rows: QuerySet[ScopeGrant], *, by: By, reason: str, told: Told) -> Changed:
    """Revoke the grants of a queryset that `by` may revoke, all in one transaction.

    Raises GrantError: `nobody`, or the code of an invalid reason.
    """
    refuse_reason(reason)
    who_of(by)
    judge = Judge(by)
    refused: Counter[str] = Counter()
    # Read before the transaction: SQLite would refuse a write that follows a read.
    allowed = list(_allowed(rows, judge, refused))

    def revoke() -> int:
        count = 0
        for page in _paged(allowed):
            found = closed(stored().filter(pk__in=page, live=1), by, reason)
            told(found)
            count += len(found)
        return count

    count = in_transaction(revoke)
    return Changed(count, _with_ended(refused, len(allowed) - count))


def extend_many(
    rows: QuerySet[ScopeGrant], expires_at: datetime | None, *, by: By, reason: str, told: Told
) -> Changed:
    """Change the expiry of the grants of a queryset that `by` may extend, in one transaction.

    Raises GrantError: `past`, `nobody`, or the code of an invalid reason.
    """
    refuse_reason(reason)
    who_of(by)
    now = timezone.now()
    if expires_at is not None and is_past(expires_at, now):
        raise GrantError("past", _("The expiry %(moment)s is in the past."), {"moment": expires_at})
    judge = Judge(by)
    return _written(
        rows,
        _Write(
            Event.EXTEND,
            "expires_at",
            expires_at,
            lambda row: judge.error_of_move(row, expires_at, now),
        ),
        judge,
        by=by,
        reason=reason,
        told=told,
    )


def keep_many(
    rows: QuerySet[ScopeGrant], until: datetime, *, by: By, reason: str, told: Told
) -> Changed:
    """Acknowledge until a date the grants of a queryset that `by` may keep, as `keep` does.

    Raises GrantError: `past`, `nobody`, or the code of an invalid reason.
    """
    refuse_reason(reason)
    who_of(by)
    now = timezone.now()
    if is_past(until, now):
        raise GrantError("past", _("The date %(moment)s is in the past."), {"moment": until})
    judge = Judge(by)
    write = _Write(Event.KEEP, "kept_until", until, lambda row: judge.error_of_keep(row, now))
    return _written(rows, write, judge, by=by, reason=reason, told=told)


@dataclass(frozen=True)
class _Write:
    """A column that is written, its record, and why it is not written for a locked grant."""

    event: Event
    column: str
    value: datetime | None
    error_of: Callable[[ScopeGrant], str]


def _written(
    rows: QuerySet[ScopeGrant], write: _Write, judge: Judge, *, by: By, reason: str, told: Told
) -> Changed:
    who = who_of(by)
    refused: Counter[str] = Counter()
    allowed = list(_allowed(rows, judge, refused))

    def change() -> int:
        not_written.clear()
        count = 0
        for page in _paged(allowed):
            live = stored().filter(pk__in=page, live=1)
            with recorded():
                lock_on_sqlite(live)
            found = with_grantees(list(live.select_for_update()))
            changed = []
            for row in found:
                error = write.error_of(row)
                if error:
                    not_written[error] += 1
                else:
                    changed.append(row)
            with recorded():
                keys = [row.pk for row in changed]
                stored().filter(pk__in=keys).update(**{write.column: write.value})
            noted = ((grantee_of(row), row.scope, _facts(row, write)) for row in changed)
            note_many(write.event, who, noted, reason)
            told(changed)
            count += len(changed)
        return count

    not_written: Counter[str] = Counter()
    count = in_transaction(change)
    gone = len(allowed) - count - not_written.total()
    return Changed(count, _with_ended(refused + not_written, gone))


def _facts(row: ScopeGrant, write: _Write) -> dict[str, object]:
    return {"grant": row.pk, "was": getattr(row, write.column), write.column: write.value}


def _allowed(rows: QuerySet[ScopeGrant], judge: Judge, refused: Counter[str]) -> Iterator[int]:
    for pk, scope, group, live in rows.order_by("pk").values_list("pk", "scope", "group", "live"):
        error = str(_ENDED) if live is None else judge.error_of(scope, group)
        if error:
            refused[error] += 1
        else:
            yield pk


_ENDED = gettext_lazy("It was already revoked.")


def _with_ended(refused: Counter[str], count: int) -> Mapping[str, int]:
    return dict(refused + Counter({str(_ENDED): count}))


def _paged(keys: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(keys), _PAGE):
        yield keys[start : start + _PAGE]
