"""Writes records, in the same transaction as the change."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import connections, transaction

from api_guard import conf
from api_guard.core.ledger import Event, Party, Who
from api_guard.core.records import Detail, Record, content_of, key_of_party, mac_of, new_id
from api_guard.exceptions import GuardError
from api_guard.ledger.chaining import chain_after_commit
from api_guard.ledger.rows import database, now, writable
from api_guard.models import LedgerDetail, LedgerRecord

_NO_FACTS: Mapping[str, str | None] = {}
_PAGE = 500


@dataclass(frozen=True)
class Entry:
    """What is different in each of many records of one event."""

    whom: Party | None
    scope: str
    facts: Mapping[str, str | None]


def record(
    event: Event,
    *,
    who: Who,
    whom: Party | None = None,
    scope: str = "",
    reason: str = "",
    address: str = "",
    facts: Mapping[str, str | None] | None = None,
) -> None:
    """Write a change into the ledger, in the same transaction as the change.

    `scope` is a scope or a group of scopes. `address` is the IP address of the request. `facts` are
    other values, for example the old and the new expiry in ISO 8601. Names, reasons and addresses
    can be erased later. `scope` and `facts` cannot, and must not contain personal data.

    Raises GuardError outside a transaction, and DatabaseError if the write fails. Do not catch
    them, so that the change is rolled back.
    """
    record_id(event, who=who, whom=whom, scope=scope, reason=reason, address=address, facts=facts)


def record_id(
    event: Event,
    *,
    who: Who,
    whom: Party | None = None,
    scope: str = "",
    reason: str = "",
    address: str = "",
    facts: Mapping[str, str | None] | None = None,
) -> str:
    """Write a record as `record` does, and return its id."""
    using = _using(event)
    row, details = _rows(event, who, Entry(whom, scope, facts or _NO_FACTS), reason, address)
    row.save(using=using)
    for detail in details:
        detail.save(using=using)
    return row.id


def record_many(
    event: Event, entries: Iterable[Entry], *, who: Who, reason: str = "", address: str = ""
) -> None:
    """Write a record of each entry, as `record` does, with two statements for many."""
    using = _using(event)
    made = [_rows(event, who, entry, reason, address) for entry in entries]
    writable(LedgerRecord).using(using).bulk_create([row for row, _ in made], _PAGE)
    writable(LedgerDetail).using(using).bulk_create(
        [detail for _, details in made for detail in details], _PAGE
    )


def _using(event: Event) -> str:
    """Return the database, in whose open transaction the ledger is written."""
    using = database()
    if not connections[using].in_atomic_block:
        raise GuardError(
            f"The ledger records {event.value!r} in the transaction of the change, but no "
            f"transaction is open. Write: with transaction.atomic(using={using!r}): ..."
        )
    transaction.on_commit(chain_after_commit, using=using, robust=True)
    return using


def _rows(
    event: Event, who: Who, entry: Entry, reason: str, address: str
) -> tuple[LedgerRecord, list[LedgerDetail]]:
    details = [*_of_party("who", who.party), *_of_party("whom", entry.whom)]
    details += [*_of_text("reason", reason), *_of_text("address", address)]
    content = content_of(who, entry.whom, entry.scope, entry.facts, details)
    key = next(iter(conf.ledger_keys().values()))
    name = new_id(key, time.time_ns() // 1000, secrets.token_bytes(9))
    row = Record(name, now(), event.value, key.id, content, "")
    record = LedgerRecord(
        id=name,
        at=row.at,
        event=row.event,
        key_id=row.key_id,
        content=row.content,
        mac=mac_of(key, row),
    )
    return record, [
        LedgerDetail(
            record=name, part=detail.part, key=detail.key, text=detail.text, salt=detail.salt
        )
        for detail in details
    ]


def _of_party(part: str, party: Party | None) -> list[Detail]:
    if party is None or not (party.pk or party.name):
        return []
    key = storable(key_of_party(party.kind, party.pk))
    return [Detail(part, key, storable(party.name), secrets.token_hex(16))]


def _of_text(part: str, text: str) -> list[Detail]:
    return [Detail(part, "", storable(text), secrets.token_hex(16))] if text else []


def storable(text: str) -> str:
    """Return a text that every database can store: nulls and lone surrogates are escaped."""
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\0")
