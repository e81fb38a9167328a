"""Writes the ledger as lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from api_guard.core.records import Detail, Record
from api_guard.ledger import rows


def export(since: int = 0) -> Iterator[str]:
    """Yield the chained records with a number larger than `since`, each as a line of JSON.

    `content` and the salts of the details are unchanged, so that a program with the key can verify
    a line. For an erased detail, `forgotten` is the id of the record of the erasure.
    """
    for page in rows.chained(since):
        details = rows.details([row.id for row in page])
        for row in page:
            yield json.dumps(_line(row, details.get(row.id, [])))


@dataclass(frozen=True)
class Told:
    """What a record says: `whom` is the key of the grantee, empty where it was erased."""

    event: str
    content: str
    whom: str


def contents() -> Iterator[Told]:
    """Yield what each record says, those that are not chained yet at the end."""
    for page in rows.chained(0):
        yield from _told(page)
    last = ""
    while page := rows.unchained(last):
        yield from _told(page)
        last = page[-1].id


def _told(page: list[Record]) -> Iterator[Told]:
    details = rows.details([row.id for row in page])
    for row in page:
        whom = (each.key for each in details.get(row.id, []) if each.part == "whom")
        yield Told(row.event, row.content, next(whom, ""))


def _line(row: Record, details: list[Detail]) -> dict[str, object]:
    said: dict[str, object] = dict(vars(row))
    said["details"] = {
        detail.part: {
            name: value for name, value in vars(detail).items() if name != "part" and value
        }
        for detail in sorted(details, key=lambda detail: detail.part)
    }
    return said
