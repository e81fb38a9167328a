"""Keeps a transaction usable after a refusal that came before the statement.

Django marks a transaction as broken when an exception passes through a save or a delete. If the
guard refused before anything was executed, nothing is broken.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections
from rest_framework.exceptions import APIException

_NOTE = "_api_guard_untouched"


@contextmanager
def nothing_executed(
    using: str, blocks: int, *, also: tuple[type[Exception], ...] = ()
) -> Iterator[None]:
    """Mark a refusal in this block as raised before any change in the database.

    `blocks` counts the transactions that Django itself has opened around the operation. `also` are
    exceptions that come after we have rolled back our own savepoint.
    """
    connection = connections[using]
    was_broken = connection.needs_rollback
    try:
        yield
    except Exception as refusal:
        if not was_broken and isinstance(refusal, (APIException, *also)):
            depth = len(connection.atomic_blocks) - blocks
            setattr(refusal, _NOTE, (connection, depth))
        raise


def was_untouched(refusal: APIException) -> bool:
    """Whether this is a refusal that came before its statement."""
    return hasattr(refusal, _NOTE)


def is_untouched(refusal: BaseException | None, connection: object) -> bool:
    """Whether nothing between the handler and the refusal must be rolled back.

    False if the project has opened its own transaction in between.
    """
    noted, depth = getattr(refusal, _NOTE, (None, 0))
    return noted is connection and len(getattr(noted, "atomic_blocks", ())) == depth


def forget_caught(connection: Any) -> None:
    """Keep the transaction usable for a handler that catches the refusal and continues."""
    if connection.needs_rollback and is_untouched(connection.rollback_exc, connection):
        connection.needs_rollback = False
        connection.rollback_exc = None
