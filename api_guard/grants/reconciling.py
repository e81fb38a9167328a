"""Compares the grants that stand with what the ledger says of them: SQL leaves no record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api_guard import ledger
from api_guard.core.ledger import Event
from api_guard.core.records import key_of_party
from api_guard.grants.deadlocks import in_transaction
from api_guard.grants.kept import Kept, kept
from api_guard.grants.reading import stored
from api_guard.grants.who import By, note, who_of
from api_guard.models import ScopeGrant

_GIVES = {Event.GRANT, Event.EXTEND, Event.ADOPT}
_TAKES = {Event.REVOKE, Event.EXPIRE, Event.DELETE}
_PAGE = 1000


@dataclass(frozen=True)
class Difference:
    """A grant, by its primary key, that is not as the ledger says."""

    grant: str
    problem: str

    def __str__(self) -> str:
        return f"grant {self.grant}: {self.problem}"


def differences() -> Iterator[Difference]:
    """Yield each grant that was made, changed, revived or deleted without a record.

    It needs as much memory for a million grants as for ten. It checks each difference twice: a
    grant may be made after the ledger was read.
    """
    with kept() as ledger_says:
        for found in _compare(ledger_says):
            ledger_says.doubt(found.grant, found.problem)
        if not ledger_says.has_doubts():
            return
        ledger_says.forget_grants()
        for found in _compare(ledger_says):
            if ledger_says.is_doubted(found.grant, found.problem):
                yield found


def adopt(*, by: By, reason: str = "") -> int:
    """Record the grants that have no record, as they stand, and return how many there were.

    For those that are older than the ledger. Raises GrantError `nobody`.
    """
    who, count = who_of(by), 0
    with kept() as ledger_says:
        _read_ledger(ledger_says)
        for row in _unrevoked():
            if _flaw(row, ledger_says.pop(str(row.pk))) is None:
                continue

            def write(row: ScopeGrant = row) -> None:
                facts = {"grant": row.pk, "expires_at": row.expires_at}
                note(Event.ADOPT, who, row.grantee, row.scope, reason, facts)

            in_transaction(write)
            count += 1
    return count


def _compare(ledger_says: Kept) -> Iterator[Difference]:
    _read_ledger(ledger_says)
    for row in _unrevoked():
        flaw = _flaw(row, ledger_says.pop(str(row.pk)))
        if flaw is not None:
            yield Difference(str(row.pk), flaw)
    for pk in ledger_says.left():
        yield Difference(pk, "it was granted, and then revoked or deleted without a record")


def _flaw(row: ScopeGrant, said: tuple[str, str] | None) -> str | None:
    """Return what is wrong with a grant, None where it is as the ledger says."""
    if said is None:
        return f"no record grants {row.scope} to this {row.grantee_kind}"
    terms, whom = said
    if terms != _terms(row.scope, row.expires_at):
        return f"the ledger says {terms}, it is {row.expires_at}"
    key = getattr(row, f"{row.grantee_kind}_id")
    # Of a user who was forgotten, nothing is said any more.
    if whom and whom != key_of_party(row.grantee_kind, str(key)):
        return f"the ledger says it was granted to {whom}, but {row.grantee_kind}:{key} has it"
    return None


def _unrevoked() -> Iterator[ScopeGrant]:
    last = 0
    while page := list(stored().filter(live=1, pk__gt=last).order_by("pk")[:_PAGE]):
        yield from page
        last = page[-1].pk


def _read_ledger(ledger_says: Kept) -> None:
    """Keep what is given by now."""
    for event, content, whom in ledger.contents():
        if event not in _GIVES and event not in _TAKES:
            continue
        try:
            pk, terms = _read(content)
        except (ValueError, KeyError, TypeError):
            continue  # `verify` says what was done to it
        if event in _TAKES:
            ledger_says.take(pk)
            continue
        before = ledger_says.terms(pk) if event == Event.EXTEND else None
        if before is not None:
            # An extension changes only the expiry. It does not justify what SQL changed before.
            terms = f"{before[0].partition(' ')[0]} {terms.partition(' ')[2]}"
            whom = before[1] and whom and before[1]
        ledger_says.give(pk, terms, whom)


def _read(content: str) -> tuple[str, str]:
    said: Any = json.loads(content)
    expires_at = said["facts"].get("expires_at")
    moment = None if expires_at is None else datetime.fromisoformat(expires_at)
    return str(said["facts"]["grant"]), _terms(str(said["scope"]), moment)


def _terms(scope: str, expires_at: datetime | None) -> str:
    # By the second: a database may keep less than was written.
    return f"{scope} {'for ever' if expires_at is None else f'until {expires_at.timestamp():.0f}'}"
