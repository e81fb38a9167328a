"""Chains what is committed, under one locked head, in short transactions of its own."""

from __future__ import annotations

import logging
from functools import partial

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


def chain_after_commit() -> None:
    """Chain what is committed. A failure is logged and refuses nothing: the next one chains it."""
    try:
        chain()
    except (DatabaseError, GuardError):
        logger.exception("The newest records of the ledger are not chained yet.")


def chain() -> int:
    """Chain every record that is committed and not chained, and return how many there were.

    Raises GuardError where the head is missing, or not what was signed: nothing is added to that.
    """
    count, last = 0, ""
    # A look that locks nothing: of many who come at once, most find it done.
    while unchained(last, 1):
        _make_head()
        added, last = in_transaction(partial(_chain_batch, last), database())
        count += added
    return count


def locked_head() -> Place:
    """Return the end of the chain, which nobody else moves until the transaction ends.

    Raises GuardError.
    """
    heads = writable(LedgerHead).filter(pk=1)
    # A write comes first: SQLite locks no row, and refuses a write that follows a read.
    heads.update(sequence=F("sequence"))
    row = heads.select_for_update().first()
    if row is None:
        raise GuardError("The ledger has records and no head: somebody deleted it.")
    head = signed(row)
    if not is_signed(head, HEAD, conf.ledger_keys()):
        raise GuardError("The head of the ledger is not what was signed, or its key is not known.")
    return head.place


def _make_head() -> None:
    """Make the head of an empty ledger."""
    heads, chained = writable(LedgerHead), writable(LedgerRecord).filter(sequence__isnull=False)
    if heads.filter(pk=1).exists() or chained.exists() or start() is not None:
        return
    try:
        with transaction.atomic(using=database()):
            _head_at(_key(), Place(0, GENESIS)).save(using=database())
    except IntegrityError:
        pass  # somebody else has made it


def _chain_batch(after: str) -> tuple[int, str]:
    """Chain records whose id is larger than `after`; return how many, and the last id."""
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
    # A transaction around this may show a record as it was before somebody else chained it.
    done = mine.update(sequence=place.sequence, previous=head.digest, digest=place.digest)
    return place if done else head


def _is_sound(row: Record, keys: Keys) -> bool:
    """Whether a record is what api_guard wrote: nothing else is made a part of the chain."""
    key = keys.get(row.key_id)
    if key is None:
        logger.warning("Record %s waits for a process that knows the key %r.", row.id, row.key_id)
        return False
    if not same(mac_of(key, row), row.mac) or row.previous is not None:
        logger.error("Record %s is not what was signed, and is not chained.", row.id)
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
