"""Exports what is filtered, as CSV or lines of JSON, a page of records at a time."""

from __future__ import annotations

import csv
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse

from api_guard import ledger
from api_guard.admin.files import file_of
from api_guard.admin.ledger.wording import content_of
from api_guard.core.cells import cell
from api_guard.core.records import Detail, Record
from api_guard.models import LedgerRecord

logger = logging.getLogger("api_guard.ledger")

TYPES = ("csv", "jsonl")

_COLUMNS = (
    *("number", "at", "event", "scope", "known", "who", "who_key", "whom", "whom_key"),
    *("reason", "address", "facts", "id", "digest"),
)


def export(request: HttpRequest, rows: QuerySet[LedgerRecord], kind: str) -> StreamingHttpResponse:
    """Return the records as a file, newest first. It needs little memory for any number."""
    user: Any = request.user
    logger.info("The ledger was exported as %s by user %s: %s", kind, user.pk, dict(request.GET))
    pieces = _as_csv(rows) if kind == "csv" else _as_lines(rows)
    return file_of(request, pieces, f"ledger.{kind}")


def _as_lines(rows: QuerySet[LedgerRecord]) -> Iterator[str]:
    for page in ledger.pages(rows):
        yield "".join(f"{ledger.line(row, details)}\n" for row, details in page)


def _as_csv(rows: QuerySet[LedgerRecord]) -> Iterator[str]:
    yield _written([_COLUMNS])
    for page in ledger.pages(rows):
        yield _written([_cells(row, details) for row, details in page])


def _cells(row: Record, details: list[Detail]) -> tuple[str, ...]:
    content = content_of(row.content)
    of = {detail.part: detail for detail in details}
    texts = {part: "(erased)" if each.forgotten else each.text for part, each in of.items()}
    keys = {part: each.key for part, each in of.items()}
    facts = json.dumps(content.get("facts", {}), ensure_ascii=False)
    said = (
        *(row.sequence, row.at, row.event, content.get("scope"), content.get("known")),
        *(texts.get("who"), keys.get("who"), texts.get("whom"), keys.get("whom")),
        *(texts.get("reason"), texts.get("address"), facts, row.id, row.digest),
    )
    return tuple(cell(value) for value in said)


def _written(lines: list[tuple[str, ...]]) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(lines)
    return out.getvalue()
