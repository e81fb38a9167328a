"""Writes the ledger as lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator

from api_guard.core.records import Detail, Record
from api_guard.ledger import rows


def export(since: int = 0) -> Iterator[str]:
    """Yield the chained records of a larger number than `since`, each as a line of JSON.

    `content` and the salts of the details are as they were signed, so that whoever has the key can
    verify a line; of what was erased, `forgotten` names the record that says so.
    """
    for page in rows.chained(since):
        details = rows.details([row.id for row in page])
        for row in page:
            yield json.dumps(_line(row, details.get(row.id, [])))


def contents() -> Iterator[tuple[str, str, str]]:
    """Yield the event, the content and the key of whom it is about, of each record.

    Those that are not chained yet are the last. The key is empty where it was erased.
    """
    for page in rows.chained(0):
        yield from _contents(page)
    last = ""
    while page := rows.unchained(last):
        yield from _contents(page)
        last = page[-1].id


def _contents(page: list[Record]) -> Iterator[tuple[str, str, str]]:
    details = rows.details([row.id for row in page])
    for row in page:
        own = details.get(row.id, [])
        yield row.event, row.content, next((d.key for d in own if d.part == "whom"), "")


def _line(row: Record, details: list[Detail]) -> dict[str, object]:
    said: dict[str, object] = dict(vars(row))
    said["details"] = {
        detail.part: {
            name: value for name, value in vars(detail).items() if name != "part" and value
        }
        for detail in sorted(details, key=lambda detail: detail.part)
    }
    return said
