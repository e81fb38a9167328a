"""Writes when grants were last used, without waiting for locks."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connections, transaction
from django.db.models import Q

from api_guard.exceptions import is_fault
from api_guard.models import ScopeGrant, recorded

logger = logging.getLogger("api_guard.grants")


def write_use(alias: str, pks: list[int], now: datetime, due: datetime) -> None:
    """Write that these grants were used at `now`, if their last use was written before `due`.

    Rows that another transaction has locked are skipped until their next use. A failure is logged.
    """
    unused = Q(last_used_at__isnull=True) | Q(last_used_at__lte=due)
    rows = ScopeGrant.objects.using(alias).order_by()
    # MariaDB before 10.6 has only NOWAIT. SQLite has neither, and does not lock rows.
    skips: bool = connections[alias].features.has_select_for_update_skip_locked
    free = rows.filter(unused, pk__in=pks).select_for_update(skip_locked=skips, nowait=not skips)
    try:
        # The ledger does not record a use, because it grants nothing.
        with _no_wait(alias), transaction.atomic(using=alias), recorded():
            rows.filter(pk__in=list(free.values_list("pk", flat=True))).update(last_used_at=now)
    except Exception as error:
        if not is_fault(error):
            raise
        logger.warning("The use of %d grants could not be recorded: %s", len(pks), error)


@contextmanager
def _no_wait(alias: str) -> Iterator[None]:
    """Make SQLite, which locks the whole database, fail at once when it is locked."""
    connection = connections[alias]
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        (milliseconds,) = cursor.fetchone()
        cursor.execute("PRAGMA busy_timeout = 0")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {int(milliseconds)}")
