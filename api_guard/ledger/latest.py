"""Finds when something was last recorded about a party."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from django.db.models import Max

from api_guard.core.ledger import Event
from api_guard.ledger.rows import writable
from api_guard.models import LedgerDetail, LedgerRecord

# The id of a record begins with its time in microseconds.
_DIGITS = 14


def last_recorded(event: Event, keys: Collection[str]) -> dict[str, datetime]:
    """Return when an event was last recorded for each party, by key, such as `client:7`."""
    records = writable(LedgerRecord).filter(event=event.value).order_by().values("pk")
    rows = writable(LedgerDetail).filter(key__in=keys, part="whom", record__in=records)
    found = rows.order_by().values_list("key").annotate(Max("record"))
    return {key: _moment(record) for key, record in found}


def _moment(record: str) -> datetime:
    return datetime.fromtimestamp(int(record[:_DIGITS], 16) / 10**6, tz=UTC)
