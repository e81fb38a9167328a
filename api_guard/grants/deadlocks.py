"""Runs a change of grants in one transaction, and again where it met another in a deadlock."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connections, transaction

from api_guard.grants.reading import database

# MySQL and MariaDB: of two inserts that wait for a third one, which is undone, one gives way.
_DEADLOCK = 1213
_MOST_TRIES = 10

T = TypeVar("T")


def in_transaction(change: Callable[[], T]) -> T:
    """Return what `change` returns.

    A database that finds a deadlock has undone all of the transaction. Where that is the caller's,
    it is for the caller to begin anew.
    """
    tries = 1
    while True:
        try:
            with transaction.atomic(using=database()):
                return change()
        except OperationalError as error:
            is_ours = not connections[database()].in_atomic_block
            if error.args[:1] != (_DEADLOCK,) or not is_ours or tries == _MOST_TRIES:
                raise
            tries += 1
