"""Verifies the ledger, and the rows that give access against it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from api_guard import ledger
from api_guard.core.findings import Finding
from api_guard.core.records import Place
from api_guard.grants.reconciling import Difference, differences


def verify(tally: ledger.Tally, exported: Place | None = None) -> Iterator[Finding | Difference]:
    """Yield the errors of the ledger, and then the rows that differ from it.

    At the end it remembers up to where the ledger was verified. Raises GuardError if the ledger was
    pruned meanwhile.
    """
    count = 0
    found: Iterator[Finding | Difference] = chain(ledger.verify(tally, exported), differences())
    for each in found:
        count += 1
        yield each
    ledger.note_verified(tally.last, count)
