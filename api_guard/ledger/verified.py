"""Remembers up to where the ledger was verified, with a signature that SQL cannot make."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from django.db import DatabaseError, transaction

from api_guard import conf
from api_guard.core.records import VERIFIED, Place, SignedPlace, is_signed, same, sign_place
from api_guard.ledger import rows
from api_guard.models import LedgerRecord, LedgerVerification

logger = logging.getLogger("api_guard.ledger")


@dataclass(frozen=True)
class Verified:
    """The last verification: the number of the last record, when, and how many errors it found.

    `stands` is false if that record is another one now, or is gone. `newer` counts later records.
    """

    sequence: int
    at: datetime
    errors: int
    stands: bool
    newer: int


def note_verified(last: Place | None, errors: int) -> None:
    """Remember a verification that has ended. A failure is only logged: a copy may be read-only."""
    if last is None:
        return
    key = next(iter(conf.ledger_keys().values()))
    signed = sign_place(key, _purpose(errors), last, rows.now())
    row = LedgerVerification(
        sequence=last.sequence,
        errors=errors,
        digest=last.digest,
        at=signed.at,
        key_id=signed.key_id,
        mac=signed.mac,
    )
    try:
        with transaction.atomic(using=rows.database()):
            row.save(using=rows.database())
    except DatabaseError:
        logger.warning("The verification of the ledger could not be remembered.", exc_info=True)


def last_verified() -> Verified | None:
    """Return the last verification, or None if there was none, or somebody changed what it left."""
    row = rows.writable(LedgerVerification).order_by("-pk").first()
    if row is None:
        return None
    place = Place(row.sequence, row.digest)
    signed = SignedPlace(place, row.at, row.key_id, row.mac)
    if not is_signed(signed, _purpose(row.errors), conf.ledger_keys()):
        return None
    head = rows.place_of(rows.head())
    at = datetime.fromisoformat(row.at)
    newer = max(head.sequence - place.sequence, 0)
    return Verified(place.sequence, at, row.errors, _stands(place, head), newer)


def _stands(place: Place, head: Place) -> bool:
    if place.sequence <= rows.place_of(rows.start()).sequence:
        return True  # it was pruned, or nothing was there
    found = rows.writable(LedgerRecord).filter(sequence=place.sequence)
    digest = found.values_list("digest", flat=True).first()
    return same(digest, place.digest) and head.sequence >= place.sequence


def _purpose(errors: int) -> str:
    return f"{VERIFIED}.{errors}"
