"""Erases what the ledger says of a user, without breaking the chain."""

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

# Records of erasure list what was erased, and stay of a size that every database takes.
_BATCH = 1000


def forget(pk: object, *, who: Who, reason: str = "") -> int:
    """Erase what is kept of a user, who may be deleted already, and return how many details.

    Its name, its key and its addresses where it acted, its name, its key and the reason where
    something was done to it. What stays is that somebody did. A record of it is written, which
    names what was erased and not of whom.
    """
    count = 0
    while erased := in_transaction(partial(_forget_some, str(pk), who, reason), database()):
        count += erased
    return count


def _forget_some(pk: str, who: Who, reason: str) -> int:
    """Erase some details of a user and return how many."""
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
