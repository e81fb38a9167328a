"""Writes one record, in the same transaction as the change."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping

from django.db import connections, transaction

from api_guard import conf
from api_guard.core.ledger import Event, Party, Who
from api_guard.core.records import Detail, Record, content_of, key_of_party, mac_of, new_id
from api_guard.exceptions import GuardError
from api_guard.ledger.chaining import chain_after_commit
from api_guard.ledger.rows import database, now
from api_guard.models import LedgerDetail, LedgerRecord

_NO_FACTS: Mapping[str, str | None] = {}


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
    using = database()
    if not connections[using].in_atomic_block:
        raise GuardError(
            f"The ledger records {event.value!r} in the transaction of the change, but no "
            f"transaction is open. Write: with transaction.atomic(using={using!r}): ..."
        )
    details = [*_of_party("who", who.party), *_of_party("whom", whom)]
    details += [*_of_text("reason", reason), *_of_text("address", address)]
    content = content_of(who, whom, scope, facts or _NO_FACTS, details)
    key = next(iter(conf.ledger_keys().values()))
    name = new_id(key, time.time_ns() // 1000, secrets.token_bytes(9))
    row = Record(name, now(), event.value, key.id, content, "")
    LedgerRecord(
        id=name,
        at=row.at,
        event=row.event,
        key_id=row.key_id,
        content=row.content,
        mac=mac_of(key, row),
    ).save(using=using)
    for detail in details:
        LedgerDetail(
            record=name, part=detail.part, key=detail.key, text=detail.text, salt=detail.salt
        ).save(using=using)
    transaction.on_commit(chain_after_commit, using=using, robust=True)
    return name


def _of_party(part: str, party: Party | None) -> list[Detail]:
    if party is None or not (party.pk or party.name):
        return []
    key = _storable(key_of_party(party.kind, party.pk))
    return [Detail(part, key, _storable(party.name), secrets.token_hex(16))]


def _of_text(part: str, text: str) -> list[Detail]:
    return [Detail(part, "", _storable(text), secrets.token_hex(16))] if text else []


def _storable(text: str) -> str:
    """Return a text that every database can store: nulls and lone surrogates are escaped."""
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\0")
