"""Reads the ledger from the database that grants are written to; the one way to change its rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import TypeVar

from django.db import router
from django.db.models import Model, Q, QuerySet

from api_guard.core.records import GENESIS, Detail, Place, Record, SignedPlace
from api_guard.models import LedgerCheckpoint, LedgerDetail, LedgerHead, LedgerRecord, ScopeGrant

_COLUMNS = (
    *("id", "at", "event", "key_id", "content", "mac"),
    *("sequence", "previous", "digest"),
)
_PAGE = 500
# The numbers that a database has room for.
LEAST, MOST = -(2**63), 2**63 - 1

M = TypeVar("M", bound=Model)


def database() -> str:
    """Return the alias of the database that grants are written to, and the ledger with them."""
    return router.db_for_write(ScopeGrant)


def writable(model: type[M]) -> QuerySet[M]:
    """Return all rows of a table of the ledger, of a queryset that writes.

    The tables' own querysets change and delete nothing.
    """
    return QuerySet(model=model, using=database())


def now() -> str:
    """Return the time as the ledger writes it."""
    return written(datetime.now(tz=UTC))


def written(moment: datetime) -> str:
    """Return a moment as text: in UTC, with microseconds, in the order of time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def records(rows: QuerySet[LedgerRecord]) -> list[Record]:
    """Return what a queryset finds, as values."""
    return [Record(*row) for row in rows.values_list(*_COLUMNS)]


def chained(after: int, last: int = MOST) -> Iterator[list[Record]]:
    """Yield the chained records of a larger number than `after`, up to `last`, page by page.

    By their numbers, because a driver of MySQL would read all of the table at once.
    """
    condition = Q(sequence__gt=after, sequence__lte=last)
    while True:
        rows = writable(LedgerRecord).filter(condition).order_by("sequence", "id")
        page = records(rows[:_PAGE])
        if not page:
            return
        yield page
        end = page[-1]
        # Two of one number are found where somebody has dropped the constraint.
        more = Q(sequence__gt=end.sequence) | Q(id__gt=end.id)
        condition = Q(sequence__gte=end.sequence, sequence__lte=last) & more


def unchained(after: str = "", size: int = _PAGE) -> list[Record]:
    """Return records without a number whose id is larger than `after`, in order, at most `size`."""
    rows = writable(LedgerRecord).filter(sequence__isnull=True, id__gt=after)
    return records(rows.order_by("id")[:size])


def follower(digest: str) -> Record | None:
    """Return the record that says it follows a digest."""
    found = records(writable(LedgerRecord).filter(previous=digest)[:1])
    return found[0] if found else None


def details(ids: Collection[str]) -> dict[str, list[Detail]]:
    """Return the details of some records, by the id of the record."""
    found: dict[str, list[Detail]] = {}
    rows = writable(LedgerDetail).filter(record__in=ids)
    for record, *detail in rows.values_list("record", "part", "key", "text", "salt", "forgotten"):
        found.setdefault(record, []).append(Detail(*detail))
    return found


def head() -> SignedPlace | None:
    """Return the end of the chain; None where nothing was chained yet."""
    row = writable(LedgerHead).filter(pk=1).first()
    return None if row is None else signed(row)


def start() -> SignedPlace | None:
    """Return where the chain begins since it was last pruned; None where it never was."""
    row = writable(LedgerCheckpoint).order_by("-sequence").first()
    return None if row is None else signed(row)


def place_of(found: SignedPlace | None) -> Place:
    """Return a place in the chain, its beginning where there is none."""
    return Place(0, GENESIS) if found is None else found.place


def signed(row: LedgerHead | LedgerCheckpoint) -> SignedPlace:
    """Return a row as a value."""
    return SignedPlace(Place(row.sequence, row.digest), row.at, row.key_id, row.mac)
