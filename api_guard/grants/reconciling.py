"""Compares the grants with the ledger, to find changes by SQL, which have no record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api_guard import ledger
from api_guard.core.ledger import Event
from api_guard.grants.deadlocks import in_transaction
from api_guard.grants.reading import stored
from api_guard.grants.who import By, note, who_of
from api_guard.models import ScopeGrant

_GIVES = {Event.GRANT, Event.EXTEND, Event.ADOPT}
_TAKES = {Event.REVOKE, Event.EXPIRE, Event.DELETE}
_PAGE = 1000


@dataclass(frozen=True)
class Difference:
    """A grant, by its primary key, that does not match the ledger."""

    grant: str
    problem: str

    def __str__(self) -> str:
        return f"grant {self.grant}: {self.problem}"


def differences() -> Iterator[Difference]:
    """Yield each grant that was made, changed, revived or deleted without a record.

    It keeps a short text in memory for each unrevoked grant.
    """
    said = _said_by_the_ledger()
    for row in _unrevoked():
        expected = said.pop(str(row.pk), None)
        if expected is None:
            problem = f"no record grants {row.scope} to this {row.grantee_kind}"
            yield Difference(str(row.pk), problem)
        elif expected != _terms(row.scope, row.expires_at):
            yield Difference(
                str(row.pk), f"the ledger says {expected}, but the grant expires: {row.expires_at}"
            )
    for pk in said:
        yield Difference(pk, "it was granted, and then revoked or deleted without a record")


def adopt(*, by: By, reason: str = "") -> int:
    """Record the current state of all grants without a record, and return their number.

    Use it for grants that are older than the ledger. Raises GrantError `nobody`.
    """
    who, count = who_of(by), 0
    said = _said_by_the_ledger()
    for row in _unrevoked():
        if said.get(str(row.pk)) == _terms(row.scope, row.expires_at):
            continue

        def write(row: ScopeGrant = row) -> None:
            facts = {"grant": row.pk, "expires_at": row.expires_at}
            note(Event.ADOPT, who, row.grantee, row.scope, reason, facts)

        in_transaction(write)
        count += 1
    return count


def _unrevoked() -> Iterator[ScopeGrant]:
    last = 0
    while page := list(stored().filter(live=1, pk__gt=last).order_by("pk")[:_PAGE]):
        yield from page
        last = page[-1].pk


def _said_by_the_ledger() -> dict[str, str]:
    """Return the scope and the expiry of each grant in the ledger, by its primary key."""
    given: dict[str, str] = {}
    # If a clock was set back, a revocation may come before its grant. The grant is still revoked.
    ended: set[str] = set()
    for event, content in ledger.contents():
        if event not in _GIVES and event not in _TAKES:
            continue
        try:
            pk, terms = _read(content)
        except (ValueError, KeyError, TypeError):
            continue  # `verify` reports this record
        if event in _TAKES and given.pop(pk, None) is None:
            ended.add(pk)
        elif event in _GIVES and pk not in ended:
            given[pk] = terms
    return given


def _read(content: str) -> tuple[str, str]:
    said: Any = json.loads(content)
    expires_at = said["facts"].get("expires_at")
    moment = None if expires_at is None else datetime.fromisoformat(expires_at)
    return str(said["facts"]["grant"]), _terms(str(said["scope"]), moment)


def _terms(scope: str, expires_at: datetime | None) -> str:
    # In seconds: a database may drop fractions of a second.
    return f"{scope} {'for ever' if expires_at is None else f'until {expires_at.timestamp():.0f}'}"
