"""Chains committed records, under one locked head, in short separate transactions."""

from __future__ import annotations

import logging
from functools import partial
from math import inf
from time import monotonic

from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import F

from api_guard import conf
from api_guard.core.records import (
    GENESIS,
    HEAD,
    Key,
    Keys,
    Place,
    Record,
    is_signed,
    link,
    mac_of,
    same,
    sign_place,
)
from api_guard.exceptions import GuardError
from api_guard.ledger.rows import database, now, signed, start, unchained, writable
from api_guard.models import LedgerHead, LedgerRecord
from api_guard.models.transactions import in_transaction

logger = logging.getLogger("api_guard.ledger")

_BATCH = 200
# A request that changes very many grants does not wait for the chain.
_SECONDS = 2.0


def chain_after_commit() -> None:
    """Chain the committed records, for at most a few seconds. The next call chains the rest.

    A failure is only logged.
    """
    try:
        chain(_SECONDS)
    except (DatabaseError, GuardError):
        logger.exception("The newest records of the ledger are not chained yet.")


def chain(seconds: float = inf) -> int:
    """Chain all committed records that are not chained yet, and return their number.

    After so many seconds it stops. Raises GuardError if the head is missing or was changed: then
    nothing is chained.
    """
    count, last, end = 0, "", monotonic() + seconds
    # This read locks nothing: of many processes at once, most find that the work is done.
    while unchained(last, 1):
        _make_head()
        added, last = in_transaction(partial(_chain_batch, last), database())
        count += added
        if monotonic() > end:
            break
    return count


def locked_head() -> Place:
    """Lock and return the end of the chain. The lock is held until the transaction ends.

    Raises GuardError.
    """
    heads = writable(LedgerHead).filter(pk=1)
    # Write first: SQLite does not lock rows, and refuses a write that follows a read.
    heads.update(sequence=F("sequence"))
    row = heads.select_for_update().first()
    if row is None:
        raise GuardError("The ledger has records but no head: somebody deleted the head.")
    head = signed(row)
    if not is_signed(head, HEAD, conf.ledger_keys()):
        raise GuardError("The head of the ledger was changed, or its key is not in LEDGER_KEYS.")
    return head.place


def _make_head() -> None:
    """Create the head of an empty ledger."""
    heads, chained = writable(LedgerHead), writable(LedgerRecord).filter(sequence__isnull=False)
    if heads.filter(pk=1).exists() or chained.exists() or start() is not None:
        return
    try:
        with transaction.atomic(using=database()):
            _head_at(_key(), Place(0, GENESIS)).save(using=database())
    except IntegrityError:
        pass  # another process has created it


def _chain_batch(after: str) -> tuple[int, str]:
    """Chain records with an id larger than `after`. Return their number and the last id."""
    keys, key = conf.ledger_keys(), _key()
    head = locked_head()
    rows, before = unchained(after, _BATCH), head.sequence
    for row in rows:
        if _is_sound(row, keys):
            head = _chain_one(row, keys[row.key_id], head)
    if head.sequence > before:
        new = _head_at(key, head)
        columns = {"sequence": new.sequence, "digest": new.digest}
        columns |= {"at": new.at, "key_id": new.key_id, "mac": new.mac}
        writable(LedgerHead).filter(pk=1).update(**columns)
    return head.sequence - before, rows[-1].id if rows else after


def _chain_one(row: Record, key: Key, head: Place) -> Place:
    """Chain one record and return the new head."""
    place = Place(head.sequence + 1, link(key, head.digest, head.sequence + 1, row.mac))
    mine = writable(LedgerRecord).filter(pk=row.id, sequence__isnull=True)
    # In an outer transaction, a record that another process has chained may look unchained.
    done = mine.update(sequence=place.sequence, previous=head.digest, digest=place.digest)
    return place if done else head


def _is_sound(row: Record, keys: Keys) -> bool:
    """Whether api_guard wrote the record. Only such records are chained."""
    key = keys.get(row.key_id)
    if key is None:
        logger.warning("Record %s is not chained: the key %r is unknown.", row.id, row.key_id)
        return False
    if not same(mac_of(key, row), row.mac) or row.previous is not None:
        logger.error("Record %s is not chained: somebody changed it.", row.id)
        return False
    return True


def _head_at(key: Key, place: Place) -> LedgerHead:
    new = sign_place(key, HEAD, place, now())
    return LedgerHead(
        id=1,
        sequence=place.sequence,
        digest=place.digest,
        at=new.at,
        key_id=new.key_id,
        mac=new.mac,
    )


def _key() -> Key:
    return next(iter(conf.ledger_keys().values()))
