"""Runs a change in one transaction, and retries it after a deadlock."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connections, transaction

# MySQL and MariaDB: 1213 is a deadlock. MariaDB with innodb_snapshot_isolation reports 1020 when a
# row was changed since the transaction began.
_GIVEN_WAY = (1213, 1020)
# PostgreSQL: serialization_failure and deadlock_detected.
_STATES = ("40001", "40P01")
_MOST_TRIES = 10

T = TypeVar("T")


def in_transaction(change: Callable[[], T], using: str) -> T:
    """Run `change` in one transaction of the database `using`, and return its result.

    After a deadlock, the database has rolled back the whole transaction. If the caller opened that
    transaction, the caller has to retry.
    """
    tries = 1
    while True:
        try:
            with transaction.atomic(using=using):
                return change()
        except OperationalError as error:
            is_ours = not connections[using].in_atomic_block
            if not _has_given_way(error) or not is_ours or tries == _MOST_TRIES:
                raise
            tries += 1


def _has_given_way(error: OperationalError) -> bool:
    state = getattr(error.__cause__, "sqlstate", None)
    return error.args[:1] in {(number,) for number in _GIVEN_WAY} or state in _STATES
