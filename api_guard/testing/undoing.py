"""Undoes what a probe stores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from django.db import DEFAULT_DB_ALIAS, transaction

from api_guard import grants


@contextmanager
def undone() -> Iterator[None]:
    """Undo what is stored inside, in the default database and in that of the grants."""
    aliases = {DEFAULT_DB_ALIAS, grants.database()}
    with ExitStack() as stack:
        for alias in aliases:
            stack.enter_context(transaction.atomic(using=alias))
        yield
        for alias in aliases:
            transaction.set_rollback(True, using=alias)
