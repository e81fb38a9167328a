"""The errors in a ledger and in the details of its records."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from api_guard.core.records import (
    HEAD,
    Detail,
    Keys,
    Place,
    Record,
    SignedPlace,
    commitment,
    is_genuine,
    is_signed,
    key_of,
    mac_of,
    same,
)


class Kind(StrEnum):
    """What was done to the ledger."""

    EDIT = "edit"
    DELETION = "deletion"
    INSERTION = "insertion"
    REORDERING = "reordering"
    FORK = "fork"
    TRUNCATION = "truncation"
    UNKNOWN_KEY = "unknown key"
    DETAIL_EDIT = "detail edited"
    DETAIL_DELETION = "detail deleted"
    DETAIL_INSERTION = "detail inserted"


@dataclass(frozen=True)
class Finding:
    """One error: its kind, the record, and a description.

    `sequence` is the number of the record in the chain, `id` its id. Each may be None.
    """

    kind: Kind
    sequence: int | None
    id: str | None
    text: str

    @classmethod
    def of(cls, row: Record, kind: Kind, text: str) -> Finding:
        """Return a finding about a record."""
        return cls(kind, row.sequence, row.id, text)

    def __str__(self) -> str:
        number = "" if self.sequence is None else f" {self.sequence}"
        named = "" if self.id is None else f" ({self.id})"
        return f"{self.kind.value}: record{number}{named} {self.text}"


def judge_unchained(row: Record, keys: Keys) -> Finding | None:
    """Return the error of a record that is not chained yet, or pruned."""
    key = key_of(row, keys)
    if key is None:
        return unknown_key(row)
    if same(mac_of(key, row), row.mac):
        return None
    return edited(row) if is_genuine(key, row.id) else inserted(row)


def edited(row: Record) -> Finding:
    """Return the finding for a record that does not fit its signature."""
    return Finding.of(row, Kind.EDIT, "was changed after it was signed.")


def inserted(row: Record) -> Finding:
    """Return the finding for a record that none of the keys wrote."""
    return Finding.of(row, Kind.INSERTION, "was not written by api_guard.")


def misplaced(row: Record, expected: int) -> Finding:
    """Return the finding for a record that is not in its place, or that has no number now."""
    if row.sequence is None:
        return Finding(Kind.EDIT, expected, row.id, "has lost its number.")
    return Finding.of(row, Kind.REORDERING, "is not in the place where it was chained.")


def missing(first: int, last: int) -> Finding:
    """Return the finding for the records from one number up to another, which are gone."""
    more = f", and all up to {last}" if last > first else ""
    return Finding(Kind.DELETION, first, None, f"is missing{more}.")


def unknown_key(row: Record) -> Finding:
    """Return the finding for a record whose key is unknown."""
    said = f"is signed with the key {row.key_id!r}, which is not in LEDGER_KEYS."
    return Finding.of(row, Kind.UNKNOWN_KEY, said)


def never_chained(row: Record) -> Finding:
    """Return the finding for a record whose key is unknown and that is in no chain."""
    said = f"was never chained, and its key {row.key_id!r} is not in LEDGER_KEYS."
    return Finding.of(row, Kind.INSERTION, said)


def judge_head(
    head: SignedPlace | None, last: Place, start: Place, keys: Keys
) -> Iterator[Finding]:
    """Yield the errors of the head, after all records up to the last one."""
    if head is None:
        if last.sequence > start.sequence:
            yield Finding(Kind.DELETION, None, None, "of the head is missing.")
    elif head.key_id not in keys:
        said = f"of the head is signed with the key {head.key_id!r}, which is not in LEDGER_KEYS."
        yield Finding(Kind.UNKNOWN_KEY, None, None, said)
    elif not is_signed(head, HEAD, keys):
        yield Finding(Kind.EDIT, None, None, "of the head was changed after it was signed.")
    elif head.place.sequence < last.sequence:
        said = f"of the head was set back to {head.place.sequence}, but {last.sequence} exist."
        yield Finding(Kind.EDIT, None, None, said)
    elif head.place.sequence == last.sequence and not same(head.place.digest, last.digest):
        yield Finding(Kind.FORK, last.sequence, None, "differs from the record of the head.")


def judge_details(
    row: Record, details: Iterable[Detail], is_forgotten: Callable[[str, str], bool]
) -> Iterator[Finding]:
    """Yield the errors of the details of a record that is unchanged itself.

    `is_forgotten(id, name)` returns whether the record with this id erased the named detail.
    """
    committed: dict[str, str] = json.loads(row.content)["details"]
    found = {detail.part: detail for detail in details}
    for part, promised in committed.items():
        detail = found.pop(part, None)
        if detail is None:
            said = f"has lost its detail {part!r} without a record of an erasure."
            yield Finding.of(row, Kind.DETAIL_DELETION, said)
        elif detail.forgotten:
            if not is_forgotten(detail.forgotten, name_of(row.id, part)):
                said = f"has its detail {part!r} marked as erased, but no record erased it."
                yield Finding.of(row, Kind.DETAIL_DELETION, said)
        elif not same(commitment(detail), promised):
            said = f"has a changed detail {part!r}."
            yield Finding.of(row, Kind.DETAIL_EDIT, said)
    for part in found:
        said = f"has an added detail {part!r}."
        yield Finding.of(row, Kind.DETAIL_INSERTION, said)


def name_of(record: str, part: str) -> str:
    """Return the name of a detail in a record of an erasure."""
    return f"{record}:{part}"
