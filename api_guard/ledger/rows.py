"""Reads the ledger from the database of grants. Rows can be changed only with this module."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.db import router
from django.db.models import Model, Q, QuerySet

from api_guard.core.records import GENESIS, Detail, Place, Record, SignedPlace
from api_guard.models import LedgerCheckpoint, LedgerDetail, LedgerHead, LedgerRecord, ScopeGrant

_COLUMNS = (
    *("id", "at", "event", "key_id", "content", "mac"),
    *("sequence", "previous", "digest"),
)
_PAGE = 500
_BYTES = "bytes "
# The limits of a BigIntegerField.
LEAST, MOST = -(2**63), 2**63 - 1

M = TypeVar("M", bound=Model)


def database() -> str:
    """Return the alias of the database that grants and the ledger are written to."""
    return router.db_for_write(ScopeGrant)


def writable(model: type[M]) -> QuerySet[M]:
    """Return all rows of a table of the ledger, in a queryset that can write.

    The default querysets of these tables refuse updates and deletes.
    """
    return QuerySet(model=model, using=database())


def now() -> str:
    """Return the current time in the format of the ledger."""
    return written(datetime.now(tz=UTC))


def written(moment: datetime) -> str:
    """Return a time as text: in UTC, with microseconds, sortable."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def records(rows: QuerySet[LedgerRecord]) -> list[Record]:
    """Return the rows of a queryset as values."""
    return [Record(*map(_text, row)) for row in rows.values_list(*_COLUMNS)]


def _text(value: Any) -> Any:
    """Return a text or None as it is. SQLite stores bytes too, which no signature may cover."""
    return f"{_BYTES}{value.hex()}" if isinstance(value, bytes) else value


def chained(after: int, last: int = MOST) -> Iterator[list[Record]]:
    """Yield the chained records with numbers from `after` (exclusive) to `last`, page by page.

    It pages by number, because the MySQL driver would read the whole table at once.
    """
    condition = Q(sequence__gt=after, sequence__lte=last)
    while True:
        rows = writable(LedgerRecord).filter(condition).order_by("sequence", "id")
        page = records(rows[:_PAGE])
        if not page:
            return
        yield page
        end = page[-1]
        # If somebody dropped the constraint, two records may have the same number.
        more = Q(sequence__gt=end.sequence)
        if not end.id.startswith(_BYTES):  # bytes are larger than any text, and are the last
            more |= Q(id__gt=end.id)
        condition = Q(sequence__gte=end.sequence, sequence__lte=last) & more


def unchained(after: str = "", size: int = _PAGE) -> list[Record]:
    """Return at most `size` unchained records with an id larger than `after`, in order."""
    if after.startswith(_BYTES):
        return []  # bytes are larger than any text, and would be found again and again
    rows = writable(LedgerRecord).filter(sequence__isnull=True, id__gt=after)
    return records(rows.order_by("id")[:size])


def follower(digest: str) -> Record | None:
    """Return the record whose previous digest is `digest`."""
    found = records(writable(LedgerRecord).filter(previous=digest)[:1])
    return found[0] if found else None


def details(ids: Collection[str]) -> dict[str, list[Detail]]:
    """Return the details of some records, by the id of the record."""
    found: dict[str, list[Detail]] = {}
    rows = writable(LedgerDetail).filter(record__in=ids)
    for record, *detail in rows.values_list("record", "part", "key", "text", "salt", "forgotten"):
        found.setdefault(record, []).append(Detail(*map(_text, detail)))
    return found


def head() -> SignedPlace | None:
    """Return the end of the chain, or None if nothing is chained yet."""
    row = writable(LedgerHead).filter(pk=1).first()
    return None if row is None else signed(row)


def start() -> SignedPlace | None:
    """Return the start of a pruned chain, or None if it was never pruned."""
    row = writable(LedgerCheckpoint).order_by("-sequence").first()
    return None if row is None else signed(row)


def place_of(found: SignedPlace | None) -> Place:
    """Return the place, or the beginning of the chain for None."""
    return Place(0, GENESIS) if found is None else found.place


def signed(row: LedgerHead | LedgerCheckpoint) -> SignedPlace:
    """Return the row as a value."""
    place = Place(row.sequence, _text(row.digest))
    return SignedPlace(place, _text(row.at), _text(row.key_id), _text(row.mac))
