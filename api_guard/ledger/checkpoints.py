"""Checkpoints: the end of the chain, to keep elsewhere, and the start of a pruned chain."""

from __future__ import annotations

import json

from api_guard import conf
from api_guard.core.ledger import Event, Who
from api_guard.core.records import (
    CHECKPOINT,
    PRUNED,
    Key,
    Place,
    SignedPlace,
    is_signed,
    sign_place,
)
from api_guard.exceptions import GuardError
from api_guard.ledger import rows
from api_guard.ledger.chaining import chain, locked_head
from api_guard.ledger.recording import record
from api_guard.ledger.verifying import Tally, verify
from api_guard.models import LedgerCheckpoint, LedgerDetail, LedgerRecord
from api_guard.models.transactions import in_transaction

_BATCH = 500


def checkpoint() -> str:
    """Return the signed end of the chain as a line of JSON, to keep in another place.

    Raises GuardError.
    """
    chain()
    head = rows.head()
    if head is None:
        raise GuardError("The ledger is empty: there is no checkpoint.")
    signed = sign_place(_key(), CHECKPOINT, head.place, rows.now())
    said = {"sequence": signed.place.sequence, "digest": signed.place.digest, "at": signed.at}
    return json.dumps(said | {"key_id": signed.key_id, "mac": signed.mac})


def read_checkpoint(text: str) -> Place:
    """Return the place in the chain that a checkpoint names. Raises GuardError."""
    try:
        said = json.loads(text)
        place = Place(int(said["sequence"]), str(said["digest"]))
        signed = SignedPlace(place, str(said["at"]), str(said["key_id"]), str(said["mac"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise GuardError("This is not a checkpoint.") from None
    if signed.key_id not in conf.ledger_keys():
        raise GuardError(f"The key {signed.key_id!r} of the checkpoint is not in LEDGER_KEYS.")
    if not is_signed(signed, CHECKPOINT, conf.ledger_keys()):
        raise GuardError("The checkpoint was changed: its signature does not match.")
    return place


def prune(through: int, *, who: Who, reason: str = "") -> int:
    """Delete the chained records up to a number, and return how many were deleted.

    A signed checkpoint replaces them, and the ledger records the prune. It also deletes the rest of
    an interrupted prune. Raises GuardError if `verify` finds an error.
    """
    begin = rows.place_of(rows.start()).sequence
    if through > begin:
        first = next(verify(Tally()), None)
        if first is not None:
            raise GuardError(f"The ledger has an error and was not pruned. {first}")
        in_transaction(lambda: _move_start(through, who, reason), rows.database())
    count = 0
    while deleted := in_transaction(lambda: _delete_some(max(through, begin)), rows.database()):
        count += deleted
    return count


def _move_start(through: int, who: Who, reason: str) -> None:
    head = locked_head()
    last = rows.records(rows.writable(LedgerRecord).filter(sequence=through))
    if through > head.sequence or not last:
        raise GuardError(
            f"Record {through} is not chained. The last chained record is {head.sequence}."
        )
    place = Place(through, str(last[0].digest))
    new = sign_place(_key(), PRUNED, place, rows.now())
    LedgerCheckpoint(
        sequence=through, digest=place.digest, at=new.at, key_id=new.key_id, mac=new.mac
    ).save(using=rows.database())
    facts = {"through": str(through), "digest": place.digest}
    record(Event.PRUNE, who=who, reason=reason, facts=facts)


def _delete_some(through: int) -> int:
    old = rows.writable(LedgerRecord).filter(sequence__lte=through).order_by("sequence")
    ids = list(old.values_list("pk", flat=True)[:_BATCH])
    rows.writable(LedgerDetail).filter(record__in=ids).delete()
    rows.writable(LedgerRecord).filter(pk__in=ids).delete()
    return len(ids)


def _key() -> Key:
    return next(iter(conf.ledger_keys().values()))
