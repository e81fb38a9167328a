"""Verifies the ledger: the chain, the unchained records, and the pruned part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from api_guard import conf
from api_guard.core.chains import Walk
from api_guard.core.findings import Finding, Kind, judge_unchained
from api_guard.core.records import PRUNED, Keys, Place, SignedPlace, is_signed
from api_guard.exceptions import GuardError
from api_guard.ledger import rows
from api_guard.ledger.details import DetailJudge, lost_records


@dataclass
class Tally:
    """The numbers that are counted while the ledger is verified. `last` is the end of the chain."""

    chained: int = 0
    unchained: int = 0
    oldest_unchained: str = ""
    erased: int = 0
    pruned_through: int = 0
    left_by_prune: int = 0
    is_export_too_old: bool = False
    last: Place | None = None


def verify(tally: Tally, exported: Place | None = None) -> Iterator[Finding]:
    """Yield the errors in order, and fill the tally.

    `exported` is a checkpoint that was kept in another place. The memory use does not grow with the
    ledger. Raises GuardError if the ledger was pruned meanwhile.
    """
    keys, begin = conf.ledger_keys(), rows.start()
    start = rows.place_of(begin)
    tally.pruned_through = start.sequence
    if exported is not None and exported.sequence < start.sequence:
        tally.is_export_too_old, exported = True, None
    walk = Walk(keys, start, rows.head(), rows.follower, exported)
    judge = DetailJudge(keys)
    is_clean = True
    for finding in _in_turn(walk, begin, judge, keys, tally):
        is_clean = False
        yield finding
    tally.erased = judge.erased
    if is_clean:
        # Records that were deleted from the chain also leave details, but were reported above.
        yield from lost_records(keys)
    if rows.start() != begin:
        raise GuardError("The ledger was pruned meanwhile. Verify it again.")


def _in_turn(
    walk: Walk, begin: SignedPlace | None, judge: DetailJudge, keys: Keys, tally: Tally
) -> Iterator[Finding]:
    if begin is not None:
        yield from _pruned(begin, keys, tally)
    lowest = rows.LEAST if begin is None else begin.place.sequence
    yield from _chained(walk, lowest, judge, tally)
    yield from _tail(walk, judge, keys, tally)


def _pruned(begin: SignedPlace, keys: Keys, tally: Tally) -> Iterator[Finding]:
    """Check the end of the pruned part, and records that an interrupted prune has left."""
    if not is_signed(begin, PRUNED, keys):
        said = "is the end of the pruned records, but its checkpoint was changed."
        yield Finding(Kind.EDIT, begin.place.sequence, None, said)
    for page in rows.chained(rows.LEAST, begin.place.sequence):
        tally.left_by_prune += len(page)
        for row in page:
            if finding := judge_unchained(row, keys):
                yield finding


def _chained(walk: Walk, lowest: int, judge: DetailJudge, tally: Tally) -> Iterator[Finding]:
    while True:
        before = lowest
        for page in rows.chained(lowest):
            for row in page:
                yield from walk.step(row)
            yield from judge.findings(page)
            tally.chained += len(page)
            lowest = page[-1].sequence or 0
        head = rows.head()
        # Another process may have chained more records since the last page.
        if head is None or head.place.sequence <= lowest or lowest == before:
            break
    yield from walk.end(head)
    tally.last = walk.place


def _tail(walk: Walk, judge: DetailJudge, keys: Keys, tally: Tally) -> Iterator[Finding]:
    """Check the records that are not chained yet."""
    last = ""
    while page := rows.unchained(last):
        for row in page:
            if walk.was_met(row):
                continue
            if finding := judge_unchained(row, keys):
                yield finding
                continue
            tally.unchained += 1
            tally.oldest_unchained = tally.oldest_unchained or row.at
        yield from judge.findings(page)
        last = page[-1].id
