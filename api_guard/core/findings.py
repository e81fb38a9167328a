"""What is wrong with a ledger, and with what can be erased of its records."""

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
    """One thing that is wrong: what was done, to which record, and how it shows.

    `sequence` is the number of the record in the chain, `id` its id; each where there is one.
    """

    kind: Kind
    sequence: int | None
    id: str | None
    text: str

    def __str__(self) -> str:
        number = "" if self.sequence is None else f" {self.sequence}"
        named = "" if self.id is None else f" ({self.id})"
        return f"{self.kind.value}: record{number}{named} {self.text}"


def judge_unchained(row: Record, keys: Keys) -> Finding | None:
    """Return what is wrong with a record by itself: not chained yet, or pruned."""
    key = key_of(row, keys)
    if key is None:
        return unknown_key(row)
    if same(mac_of(key, row), row.mac):
        return None
    if is_genuine(key, row.id):
        return Finding(Kind.EDIT, row.sequence, row.id, "is not what was signed.")
    return Finding(Kind.INSERTION, row.sequence, row.id, "was never written by api_guard.")


def unknown_key(row: Record) -> Finding:
    """Return what is said of a record whose key is not among the keys."""
    said = f"is signed with the key {row.key_id!r}, which is not in LEDGER_KEYS."
    return Finding(Kind.UNKNOWN_KEY, row.sequence, row.id, said)


def judge_head(
    head: SignedPlace | None, last: Place, start: Place, keys: Keys
) -> Iterator[Finding]:
    """Yield what is wrong with the head, once all records up to the last one were walked over."""
    if head is None:
        if last.sequence > start.sequence:
            yield Finding(Kind.DELETION, None, None, "of the head is missing.")
    elif head.key_id not in keys:
        said = f"of the head is signed with the key {head.key_id!r}, which is not in LEDGER_KEYS."
        yield Finding(Kind.UNKNOWN_KEY, None, None, said)
    elif not is_signed(head, HEAD, keys):
        yield Finding(Kind.EDIT, None, None, "of the head is not what was signed.")
    elif head.place.sequence < last.sequence:
        said = f"of the head was set back to {head.place.sequence}; there are {last.sequence}."
        yield Finding(Kind.EDIT, None, None, said)
    elif head.place.sequence == last.sequence and not same(head.place.digest, last.digest):
        yield Finding(Kind.FORK, last.sequence, None, "is another one than the head has seen.")


def judge_details(
    row: Record, details: Iterable[Detail], is_forgotten: Callable[[str, str], bool]
) -> Iterator[Finding]:
    """Yield what is wrong with the details of a record that is not itself edited.

    `is_forgotten(id, name)` says whether the record of that id erased the detail of that name.
    """
    committed: dict[str, str] = json.loads(row.content)["details"]
    found = {detail.part: detail for detail in details}
    for part, promised in committed.items():
        detail = found.pop(part, None)
        if detail is None:
            said = f"has lost its detail {part!r}, which no record says was erased."
            yield Finding(Kind.DETAIL_DELETION, row.sequence, row.id, said)
        elif detail.forgotten:
            if not is_forgotten(detail.forgotten, name_of(row.id, part)):
                said = f"has its detail {part!r} marked as erased, by no record that erased it."
                yield Finding(Kind.DETAIL_DELETION, row.sequence, row.id, said)
        elif not same(commitment(detail), promised):
            said = f"has another detail {part!r} than it was written with."
            yield Finding(Kind.DETAIL_EDIT, row.sequence, row.id, said)
    for part in found:
        said = f"has a detail {part!r} that it was not written with."
        yield Finding(Kind.DETAIL_INSERTION, row.sequence, row.id, said)


def name_of(record: str, part: str) -> str:
    """Return the name of a detail, by which a record of erasure lists it."""
    return f"{record}:{part}"
