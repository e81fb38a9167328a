"""Erases personal data of a user from the ledger, without breaking the chain."""

from __future__ import annotations

from functools import partial

from django.db.models import Q

from api_guard.core.findings import name_of
from api_guard.core.ledger import Event, Who
from api_guard.core.records import key_of_party
from api_guard.ledger.recording import record_id
from api_guard.ledger.rows import database, writable
from api_guard.models import LedgerDetail
from api_guard.models.transactions import in_transaction

# The record of an erasure lists the erased details. The limit keeps it small enough to store.
_BATCH = 1000


def forget(pk: object, *, who: Who, reason: str = "") -> int:
    """Erase the details of a user, who may be deleted already, and return their number.

    In records of events by the user, its name, key and addresses are erased. In records of events
    about the user, its name, key and the reason are erased. The events stay. A record of the
    erasure lists the erased details, but not the user.
    """
    count = 0
    while erased := in_transaction(partial(_forget_some, str(pk), who, reason), database()):
        count += erased
    return count


def _forget_some(pk: str, who: Who, reason: str) -> int:
    """Erase some details of a user and return their number."""
    rows = writable(LedgerDetail)
    mine = rows.filter(key=key_of_party("user", pk)).order_by("record", "part")
    found = list(mine.values_list("pk", "record", "part")[: _BATCH // 2])
    if not found:
        return 0
    as_who = [record for _, record, part in found if part == "who"]
    as_whom = [record for _, record, part in found if part == "whom"]
    more = Q(record__in=as_who, part="address") | Q(record__in=as_whom, part="reason")
    found += rows.filter(more, forgotten="").values_list("pk", "record", "part")
    names = " ".join(sorted(name_of(record, part) for _, record, part in found))
    written = record_id(Event.FORGET, who=who, reason=reason, facts={"erased": names})
    rows.filter(pk__in=[key for key, _, _ in found]).update(
        key="", text="", salt="", forgotten=written
    )
    return len(found)
