"""Finds the number with which a record was chained."""

from __future__ import annotations

from api_guard.core.records import Key, Record, link, same

# The distance from its number in which a record is searched if numbers were moved.
_REACH = 16


def is_chained(key: Key, row: Record, previous: str, number: int) -> bool:
    """Whether a record was chained with this number, after this digest."""
    return same(link(key, previous, number, row.mac), row.digest)


def number_of(key: Key, row: Record, *, expected: int, shift: int) -> int | None:
    """Return the original number of a record, or None if its digest fits no number.

    `shift` is how far the stored numbers were moved so far.
    """
    if row.previous is None or row.digest is None:
        return None
    stored = row.sequence or 0
    near = (stored + step for reach in range(_REACH) for step in (reach, -reach))
    for number in dict.fromkeys((expected, stored - shift, *near)):
        if is_chained(key, row, row.previous, number):
            return number
    return None
