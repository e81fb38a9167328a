"""Walks the chain of the ledger, and reports each change to it once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from api_guard.core import findings
from api_guard.core.findings import Finding, Kind
from api_guard.core.numbering import is_chained, number_of
from api_guard.core.records import (
    Key,
    Keys,
    Place,
    Record,
    SignedPlace,
    is_genuine,
    key_of,
    link,
    mac_of,
    same,
)


class Walk:
    """Walks the chained records after `start`, in the order of their numbers, and then the head.

    It knows the expected number and digest of the next record. After an error, it continues with
    the data that is still trusted, so that each change is reported once. `find` returns the record
    whose previous digest is the given one. `exported` is a checkpoint from another place.
    """

    def __init__(
        self,
        keys: Keys,
        start: Place,
        head: SignedPlace | None,
        find: Callable[[str], Record | None],
        exported: Place | None = None,
    ) -> None:
        self._keys = keys
        self._start = start
        self._head = head
        self._find = find
        self._exported = exported
        self._is_other_than_exported = False
        self._next, self._digest = start.sequence, ""
        self._advance(start.digest)
        # The difference of the stored numbers, after rows were inserted or removed.
        self._shift = self._maybe_shift = 0
        self._was_inserted = False
        # Records that were reported as misplaced, and records that were found before their turn.
        self._misplaced: set[str] = set()
        self._met: set[str] = set()

    @property
    def place(self) -> Place:
        """The last record of the walk."""
        return Place(self._next - 1, self._digest)

    def was_met(self, row: Record) -> bool:
        """Whether the record was found in another place, and already reported."""
        return row.id in self._met

    def step(self, row: Record) -> Iterator[Finding]:
        """Check the next record."""
        key = self._keys.get(row.key_id)
        if key is not None and self._is_next(key, row):
            self._maybe_shift = self._shift
            self._advance(str(row.digest))
        elif not self.was_met(row):
            was_inserted, self._was_inserted = self._was_inserted, False
            yield from self._resolve(row, was_inserted=was_inserted)

    def end(self, head: SignedPlace | None) -> Iterator[Finding]:
        """Compare with the head and the exported checkpoint, after the last record."""
        self._head = head
        known = (head.place if head else None, self._exported, self.place)
        last = max(place.sequence for place in known if place)
        yield from self._gather(last + 1)
        at = self._next - 1
        if self._is_other_than_exported and self._exported:
            said = "differs from the exported checkpoint."
            yield Finding(Kind.FORK, self._exported.sequence, None, said)
        yield from findings.judge_head(head, Place(at, self._digest), self._start, self._keys)
        if last > at:
            said = f"is the last record, but {last} existed."
            yield Finding(Kind.TRUNCATION, at, None, said)

    def _is_next(self, key: Key, row: Record) -> bool:
        return (
            row.sequence == self._next + self._shift
            and row.previous == self._digest
            and same(mac_of(key, row), row.mac)
            and is_chained(key, row, self._digest, self._next)
        )

    def _advance(self, digest: str) -> None:
        exported = self._exported
        if exported and exported.sequence == self._next and not same(exported.digest, digest):
            self._is_other_than_exported = True
        self._next += 1
        self._digest = digest

    def _resolve(self, row: Record, *, was_inserted: bool) -> Iterator[Finding]:
        key = key_of(row, self._keys)
        if key is None:
            yield from self._unverifiable(row)
            return
        is_intact = same(mac_of(key, row), row.mac)
        place = number_of(key, row, expected=self._next, shift=self._shift)
        if place is None:
            yield from self._unlinked(key, row, is_intact=is_intact)
            return
        if not is_intact:
            yield findings.edited(row)
        if place > self._next and (other := self._follower()):
            if other.sequence == self._next + self._shift:
                yield self._misplace(row)
                return
            yield from self._gather(place)
        if place < self._next:
            yield Finding.of(row, Kind.FORK, f"has the number {place} of another record.")
            return
        shift = (row.sequence or 0) - place
        if place > self._next:
            yield findings.missing(self._next, place - 1)
            self._next = place
        elif row.previous != self._digest:
            yield Finding.of(row, Kind.FORK, "does not follow the record before it.")
        elif shift not in (self._shift, self._maybe_shift) and not was_inserted:
            kind = Kind.REORDERING if self._misplaced else Kind.EDIT
            yield Finding.of(row, kind, f"had the number {place}.")
            # Either one number was changed, or all from here on. The next record shows it.
            self._maybe_shift, shift = shift, self._shift
        self._shift = shift
        self._advance(str(row.digest))

    def _unlinked(self, key: Key, row: Record, *, is_intact: bool) -> Iterator[Finding]:
        """Check a record whose digest does not fit its number, its predecessor and itself."""
        if not is_intact and not is_genuine(key, row.id):
            self._was_inserted = True
            yield findings.inserted(row)
            return
        other = self._follower()
        if other is not None and other.id != row.id:
            yield self._misplace(row)
            return
        changed = Finding.of(row, Kind.EDIT, "was changed after it was signed or chained.")
        expected = link(key, self._digest, self._next, row.mac if is_intact else mac_of(key, row))
        is_last = row.previous == self._digest and not self._leads_on(row.digest)
        if same(expected, row.digest) or self._leads_on(expected) or is_last:
            yield changed
            self._advance(expected)
        else:
            yield self._misplace(row) if is_intact else changed
            if self._leads_on(row.digest):
                self._advance(str(row.digest))

    def _unverifiable(self, row: Record) -> Iterator[Finding]:
        """Check a record with an unknown key. It is accepted if the chain continues after it."""
        if self._leads_on(row.digest):
            yield findings.unknown_key(row)
            self._advance(str(row.digest))
        else:
            self._was_inserted = True
            yield findings.never_chained(row)

    def _follower(self) -> Record | None:
        """Return the record that was chained next, wherever it is now."""
        row = self._find(self._digest)
        key = None if row is None else key_of(row, self._keys)
        if row is None or key is None:
            return None
        return row if is_chained(key, row, self._digest, self._next) else None

    def _gather(self, until: int) -> Iterator[Finding]:
        """Follow the chain over misplaced records, up to a number."""
        while self._next < until and (other := self._follower()) is not None:
            if other.id not in self._misplaced:
                yield self._misplace(other)
                self._met.add(other.id)
            self._advance(str(other.digest))

    def _misplace(self, row: Record) -> Finding:
        self._misplaced.add(row.id)
        return findings.misplaced(row, self._next)

    def _leads_on(self, digest: str | None) -> bool:
        """Whether the chain continues after a digest, or ends with it."""
        if digest is None:
            return False
        head = self._head
        return (head is not None and head.place.digest == digest) or self._find(digest) is not None
