"""Compares the rows that give access with the ledger, because SQL leaves no record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from api_guard import ledger
from api_guard.grants.from_records import read_ledger
from api_guard.grants.kept import Kept, State, kept
from api_guard.grants.states import KINDS, Kind, is_gone

_MAY_BE_GONE = ("asker", "reviewer", "decider")


@dataclass(frozen=True)
class Difference:
    """A row that differs from the ledger, such as `grant 7` or `authority 2`."""

    row: str
    problem: str

    def __str__(self) -> str:
        return f"{self.row}: {self.problem}"


def differences() -> Iterator[Difference]:
    """Yield each row that gives access and was made, changed or deleted without a record.

    It needs as much memory for a million grants as for ten. It checks each difference twice: a
    grant may be made after the ledger was read.
    """
    with kept() as should_be:
        for found in _compare(should_be):
            should_be.doubt(found.row, found.problem)
        if not should_be.has_doubts():
            return
        should_be.forget_rows()
        for found in _compare(should_be):
            if should_be.is_doubted(found.row, found.problem):
                yield found


def _compare(should_be: Kept) -> Iterator[Difference]:
    read_ledger(should_be)
    is_pruned = ledger.start() is not None
    for kind, pk, row in all_rows():
        name = kind.named(pk)
        flaw = flaw_of(kind, row, should_be.pop(name), is_pruned)
        if flaw is not None:
            yield Difference(name, flaw)
    for name in should_be.left():
        yield Difference(name, "it existed, and ended or was deleted without a record")


def all_rows() -> Iterator[tuple[Kind, int, Any]]:
    """Yield each row that is compared, with its kind and its primary key."""
    for kind in KINDS:
        for pk, row in kind.read():
            yield kind, pk, row


def flaw_of(kind: Kind, row: Any, said: State | None, is_pruned: bool) -> str | None:
    """Return how a row differs from the ledger, or None if it does not."""
    if row is None:
        return "it has a value that Django cannot read, and could not write"
    state = kind.state(row)
    if said is None:
        told = ", ".join(f"{name} {value or 'nobody'}" for name, value in state.items())
        return None if is_pruned and not kind.counts(row) else f"it has no record: {told}"
    # What the ledger no longer knows, as of a user who was forgotten, is not compared.
    wrong = [name for name in state if name in said and said[name] != state[name]]
    told = "; ".join(
        f"its {name} is {state[name] or 'nobody'}, but the ledger says {said[name] or 'nobody'}"
        for name in wrong
        # Django sets these to null when it deletes the user.
        if name not in _MAY_BE_GONE or state[name] or not is_gone(said[name])
    )
    return told or None
