"""Runs a change of grants in one transaction, and retries it after a deadlock."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from api_guard.grants.reading import database
from api_guard.models import transactions

T = TypeVar("T")


def in_transaction(change: Callable[[], T]) -> T:
    """Run `change` in one transaction of the database of grants, and return its result."""
    return transactions.in_transaction(change, database())
