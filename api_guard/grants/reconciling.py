"""Compares the grants with the ledger, to find changes by SQL, which have no record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from math import inf
from typing import Any

from django.db import models

from api_guard import ledger
from api_guard.core.ledger import Event
from api_guard.core.records import key_of_party
from api_guard.grants.deadlocks import in_transaction
from api_guard.grants.reading import stored
from api_guard.grants.who import By, note, who_of
from api_guard.models import ScopeGrant

_GIVES = {Event.GRANT, Event.EXTEND, Event.ADOPT}
_TAKES = {Event.REVOKE, Event.EXPIRE, Event.DELETE}
_PAGE = 1000
# The ledger is read once for so many primary keys of grants, and what it says of them is held.
_SPAN = 100_000


@dataclass(frozen=True)
class Difference:
    """A grant, by its primary key, that does not match the ledger."""

    grant: str
    problem: str

    def __str__(self) -> str:
        return f"grant {self.grant}: {self.problem}"


@dataclass(frozen=True)
class _Terms:
    """What is given, until when and to whom; `whom` is empty where it was erased."""

    scope: str
    until: str
    whom: str

    def __str__(self) -> str:
        return f"{self.scope} {self.until} for {self.whom or 'somebody who was erased'}"

    def is_as(self, other: _Terms) -> bool:
        """Whether both say the same."""
        is_same = (self.scope, self.until) == (other.scope, other.until)
        return is_same and (self.whom == other.whom or "" in (self.whom, other.whom))


def differences() -> Iterator[Difference]:
    """Yield each grant that was made, changed, revived or deleted without a record.

    It takes as much memory for a million grants as for a hundred thousand.
    """
    for least, most in _spans():
        said = _said_by_the_ledger(least, most)
        for row in _unrevoked(least, most):
            expected, found = said.pop(row.pk, None), _terms_of(row)
            if expected is None:
                problem = f"no record grants {row.scope} to this {row.grantee_kind}"
                yield Difference(str(row.pk), problem)
            elif not expected.is_as(found):
                yield Difference(str(row.pk), f"the ledger says {expected}, it is {found}")
        for pk in said:
            problem = "it was granted, and then revoked or deleted without a record"
            yield Difference(str(pk), problem)


def adopt(*, by: By, reason: str = "") -> int:
    """Record the current state of all grants without a record, and return their number.

    Use it for grants that are older than the ledger. Raises GrantError `nobody`.
    """
    who, count = who_of(by), 0
    for least, most in _spans():
        said = _said_by_the_ledger(least, most)
        for row in _unrevoked(least, most):
            expected = said.get(row.pk)
            if expected is not None and expected.is_as(_terms_of(row)):
                continue

            def write(row: ScopeGrant = row) -> None:
                facts = {"grant": row.pk, "expires_at": row.expires_at}
                note(Event.ADOPT, who, row.grantee, row.scope, reason, facts)

            in_transaction(write)
            count += 1
    return count


def _spans() -> Iterator[tuple[int, float]]:
    """Yield ranges of primary keys, which hold all that there are; the last one has no end."""
    newest = stored().aggregate(models.Max("pk"))["pk__max"] or 0
    least = 0
    while newest - least > _SPAN:
        yield least, least + _SPAN
        least += _SPAN
    yield least, inf


def _unrevoked(least: int, most: float) -> Iterator[ScopeGrant]:
    last = least
    while page := list(stored().filter(live=1, pk__gt=last).order_by("pk")[:_PAGE]):
        for row in page:
            if row.pk > most:
                return
            yield row
        last = page[-1].pk


def _said_by_the_ledger(least: int, most: float) -> dict[int, _Terms]:
    """Return what is given by now, for the grants whose primary key is in (least, most]."""
    given: dict[int, _Terms] = {}
    # If a clock was set back, a revocation may come before its grant. The grant is still revoked.
    ended: set[int] = set()
    for told in ledger.contents():
        if told.event not in _GIVES and told.event not in _TAKES:
            continue
        try:
            pk, terms = _read(told)
        except (ValueError, KeyError, TypeError):
            continue  # `verify` reports this record
        if not least < pk <= most:
            continue
        if told.event in _TAKES and given.pop(pk, None) is None:
            ended.add(pk)
        elif told.event in _GIVES and pk not in ended:
            before = given.get(pk) if told.event == Event.EXTEND else None
            # An extension moves the expiry alone: it does not make good what SQL did before.
            given[pk] = terms if before is None else replace(before, until=terms.until)
    return given


def _read(told: ledger.Told) -> tuple[int, _Terms]:
    said: Any = json.loads(told.content)
    expires_at = said["facts"].get("expires_at")
    moment = None if expires_at is None else datetime.fromisoformat(expires_at)
    return int(said["facts"]["grant"]), _Terms(str(said["scope"]), _until(moment), told.whom)


def _terms_of(row: ScopeGrant) -> _Terms:
    kind = row.grantee_kind
    # The key as the ledger keeps it; no query asks for the grantee.
    whom = key_of_party(kind, str(getattr(row, f"{kind}_id", "")))
    return _Terms(row.scope, _until(row.expires_at), whom)


def _until(expires_at: datetime | None) -> str:
    # By the second: a database may keep less than was written.
    return "for ever" if expires_at is None else f"until {expires_at.timestamp():.0f}"
