"""Writes the ledger as lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.db.models import QuerySet

from api_guard.core.records import Detail, Record
from api_guard.ledger import rows
from api_guard.models import LedgerRecord

_PAGE = 500


@dataclass(frozen=True)
class Content:
    """What one record says. `details` are by part; erased ones are empty."""

    event: str
    content: str
    details: Mapping[str, Detail]


def export(since: int = 0) -> Iterator[str]:
    """Yield the chained records of a larger number than `since`, each as a line of JSON.

    `content` and the salts of the details are as they were signed, so that the owner of the key can
    verify a line. For an erased detail, `forgotten` names the record of the erasure.
    """
    for page in rows.chained(since):
        details = rows.details([row.id for row in page])
        for row in page:
            yield line(row, details.get(row.id, []))


def pages(found: QuerySet[LedgerRecord]) -> Iterator[list[tuple[Record, list[Detail]]]]:
    """Yield some records with their details, the newest first, a page at a time."""
    page = rows.records(found.order_by("-pk")[:_PAGE])
    while page:
        details = rows.details([row.id for row in page])
        yield [(row, details.get(row.id, [])) for row in page]
        page = rows.records(found.filter(pk__lt=page[-1].id).order_by("-pk")[:_PAGE])


def line(row: Record, details: list[Detail]) -> str:
    """Return a record with its details as a line of JSON, as `export` does."""
    return json.dumps(_line(row, details))


def contents(since: int = 0) -> Iterator[Content]:
    """Yield the contents of the records after number `since`.

    Unchained records come last.
    """
    for page in rows.chained(since):
        yield from _contents(page)
    last = ""
    while page := rows.unchained(last):
        yield from _contents(page)
        last = page[-1].id


def _contents(page: list[Record]) -> Iterator[Content]:
    details = rows.details([row.id for row in page])
    for row in page:
        own = details.get(row.id, [])
        yield Content(row.event, row.content, {detail.part: detail for detail in own})


def _line(row: Record, details: list[Detail]) -> dict[str, object]:
    said: dict[str, object] = dict(vars(row))
    said["details"] = {
        detail.part: {
            name: value for name, value in vars(detail).items() if name != "part" and value
        }
        for detail in sorted(details, key=lambda detail: detail.part)
    }
    return said
