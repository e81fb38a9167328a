"""Walks the chain of the ledger and names what was done to it, each thing once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from api_guard.core.findings import Finding, Kind, judge_head, unknown_key
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

# How far from its number a record is looked for, where numbers were moved.
_REACH = 16


class Walk:
    """Takes the chained records in the order of their numbers, from `start` on, then the head.

    It keeps what the next record ought to be. After what is wrong it goes on from what can still
    be trusted, so that one deed is named once. `find` returns the record that says it follows a
    digest; `exported` is a checkpoint that was kept elsewhere.
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
        # How much larger the stored numbers are, after rows were put in or taken out.
        self._shift = self._maybe_shift = 0
        self._was_inserted = False
        # Records that were reported where they do not belong, and such as were met out of turn.
        self._misplaced: set[str] = set()
        self._met: set[str] = set()

    @property
    def place(self) -> Place:
        """The last record that was walked over."""
        return Place(self._next - 1, self._digest)

    def was_met(self, row: Record) -> bool:
        """Whether a record was found elsewhere than where it belongs, and reported."""
        return row.id in self._met

    def step(self, row: Record) -> Iterator[Finding]:
        """Take the next record."""
        key = self._keys.get(row.key_id)
        if key is not None and self._is_next(key, row):
            self._maybe_shift = self._shift
            self._advance(str(row.digest))
        elif not self.was_met(row):
            was_inserted, self._was_inserted = self._was_inserted, False
            yield from self._resolve(row, was_inserted=was_inserted)

    def end(self, head: SignedPlace | None) -> Iterator[Finding]:
        """Compare with the head, once there are no more records, and with what was exported."""
        self._head = head
        known = (head.place if head else None, self._exported, self.place)
        last = max(place.sequence for place in known if place)
        yield from self._gather(last + 1)
        at = self._next - 1
        if self._is_other_than_exported and self._exported:
            said = "is another one than the exported checkpoint has seen."
            yield Finding(Kind.FORK, self._exported.sequence, None, said)
        yield from judge_head(head, Place(at, self._digest), self._start, self._keys)
        if last > at:
            said = f"is the last one; there were {last}."
            yield Finding(Kind.TRUNCATION, at, None, said)

    def _is_next(self, key: Key, row: Record) -> bool:
        return (
            row.sequence == self._next + self._shift
            and row.previous == self._digest
            and same(mac_of(key, row), row.mac)
            and same(link(key, self._digest, self._next, row.mac), row.digest)
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
        place = self._place_of(key, row)
        if place is None:
            yield from self._unlinked(key, row, is_intact=is_intact)
            return
        if not is_intact:
            yield Finding(Kind.EDIT, row.sequence, row.id, "is not what was signed.")
        if place > self._next and (other := self._follower()):
            if other.sequence == self._next + self._shift:
                yield self._misplace(row)
                return
            yield from self._gather(place)
        if place < self._next:
            said = f"says that it is number {place}, which another one is."
            yield Finding(Kind.FORK, row.sequence, row.id, said)
            return
        shift = (row.sequence or 0) - place
        if place > self._next:
            more = f", with all to {place - 1}" if place - 1 > self._next else ""
            said = f"is missing{more}."
            yield Finding(Kind.DELETION, self._next, None, said)
            self._next = place
        elif row.previous != self._digest:
            said = "follows another record than the one before it."
            yield Finding(Kind.FORK, row.sequence, row.id, said)
        elif shift not in (self._shift, self._maybe_shift) and not was_inserted:
            kind = Kind.REORDERING if self._misplaced else Kind.EDIT
            yield Finding(kind, row.sequence, row.id, f"had the number {place}.")
            # One number was changed, or all from here on: the next record tells.
            self._maybe_shift, shift = shift, self._shift
        self._shift = shift
        self._advance(str(row.digest))

    def _place_of(self, key: Key, row: Record) -> int | None:
        """Return the number with which a record was chained; None where its digest says none."""
        if row.previous is None or row.digest is None:
            return None
        stored = row.sequence or 0
        near = (stored + step for reach in range(_REACH) for step in (reach, -reach))
        for number in dict.fromkeys((self._next, stored - self._shift, *near)):
            if same(link(key, row.previous, number, row.mac), row.digest):
                return number
        return None

    def _unlinked(self, key: Key, row: Record, *, is_intact: bool) -> Iterator[Finding]:
        """Judge a record whose digest is not made of its number, what it follows and itself."""
        if not is_intact and not is_genuine(key, row.id):
            self._was_inserted = True
            yield Finding(Kind.INSERTION, row.sequence, row.id, "was never written by api_guard.")
            return
        other = self._follower()
        if other is not None and other.id != row.id:
            yield self._misplace(row)
            return
        said = "is not what was signed, or not as it was chained."
        edited = Finding(Kind.EDIT, row.sequence, row.id, said)
        expected = link(key, self._digest, self._next, row.mac if is_intact else mac_of(key, row))
        is_last = row.previous == self._digest and not self._leads_on(row.digest)
        if same(expected, row.digest) or self._leads_on(expected) or is_last:
            yield edited
            self._advance(expected)
        else:
            yield self._misplace(row) if is_intact else edited
            if self._leads_on(row.digest):
                self._advance(str(row.digest))

    def _unverifiable(self, row: Record) -> Iterator[Finding]:
        """Judge a record whose key is not known, and which is believed where the chain goes on."""
        if self._leads_on(row.digest):
            yield unknown_key(row)
            self._advance(str(row.digest))
        else:
            self._was_inserted = True
            said = f"was never chained; its key {row.key_id!r} is not in LEDGER_KEYS."
            yield Finding(Kind.INSERTION, row.sequence, row.id, said)

    def _follower(self) -> Record | None:
        """Return the record that was chained as the next one, wherever it stands now."""
        row = self._find(self._digest)
        key = None if row is None else key_of(row, self._keys)
        if row is None or key is None:
            return None
        return row if same(link(key, self._digest, self._next, row.mac), row.digest) else None

    def _gather(self, until: int) -> Iterator[Finding]:
        """Follow the chain over records that stand elsewhere, up to a number."""
        while self._next < until and (other := self._follower()) is not None:
            if other.id not in self._misplaced:
                yield self._misplace(other)
                self._met.add(other.id)
            self._advance(str(other.digest))

    def _misplace(self, row: Record) -> Finding:
        self._misplaced.add(row.id)
        if row.sequence is None:
            return Finding(Kind.EDIT, self._next, row.id, "has lost its number.")
        said = "does not stand where it was chained."
        return Finding(Kind.REORDERING, row.sequence, row.id, said)

    def _leads_on(self, digest: str | None) -> bool:
        """Whether the chain goes on from a digest, or ends with it."""
        if digest is None:
            return False
        head = self._head
        return (head is not None and head.place.digest == digest) or self._find(digest) is not None
