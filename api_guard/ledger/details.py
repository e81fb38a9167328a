"""Checks the erasable details of records against the commitments in the records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache

from django.db.models import Exists, OuterRef

from api_guard.core.findings import Finding, Kind, judge_details
from api_guard.core.ledger import Event
from api_guard.core.records import Keys, Record, is_genuine, mac_of, same
from api_guard.ledger import rows
from api_guard.models import LedgerDetail, LedgerRecord

_ERASURES_KEPT = 64


class DetailJudge:
    """Checks the details of records, and counts the erased ones."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._erased_by = lru_cache(_ERASURES_KEPT)(self._read_erased_by)
        self.erased = 0

    def findings(self, page: list[Record]) -> Iterator[Finding]:
        """Yield what is wrong with the details of records that are unchanged themselves."""
        found = rows.details([row.id for row in page])
        for row in page:
            if _is_intact(row, self._keys):
                own = found.get(row.id, [])
                self.erased += sum(1 for detail in own if detail.forgotten)
                yield from judge_details(row, own, self._is_erased_by)

    def _is_erased_by(self, record: str, name: str) -> bool:
        return name in self._erased_by(record)

    def _read_erased_by(self, record: str) -> frozenset[str]:
        found = rows.records(rows.writable(LedgerRecord).filter(pk=record, event=Event.FORGET))
        if not found or not _is_intact(found[0], self._keys):
            return frozenset()
        return frozenset(erased_by(found[0]))


def erased_by(row: Record) -> list[str]:
    """Return the names of the details that a record of an erasure lists."""
    names: str = json.loads(row.content)["facts"]["erased"]
    return names.split()


def lost_records(keys: Keys) -> Iterator[Finding]:
    """Yield the records of which only details exist: they were never chained."""
    records = rows.writable(LedgerRecord).filter(pk=OuterRef("record"))
    left = rows.writable(LedgerDetail).filter(~Exists(records)).values_list("record", flat=True)
    for record in left.distinct().order_by("record"):
        if any(is_genuine(key, record) for key in keys.values()):
            said = "is missing, but its details exist."
            yield Finding(Kind.DELETION, None, record, said)
        else:
            said = "was not written by api_guard, but details of it exist."
            yield Finding(Kind.DETAIL_INSERTION, None, record, said)


def _is_intact(row: Record, keys: Keys) -> bool:
    key = keys.get(row.key_id)
    return key is not None and same(mac_of(key, row), row.mac)
