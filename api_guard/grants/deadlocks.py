"""Runs a change of grants in one transaction, and again where it met another in a deadlock."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from api_guard.grants.reading import database
from api_guard.models import transactions

T = TypeVar("T")


def in_transaction(change: Callable[[], T]) -> T:
    """Return what `change` returns, done in one transaction where grants are written to."""
    return transactions.in_transaction(change, database())
