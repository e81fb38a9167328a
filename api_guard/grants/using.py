"""Records when grants were last used: after the answer, at times, and without waiting for locks."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.core.signals import request_finished
from django.db import connections, transaction
from django.utils import timezone

from api_guard import conf
from api_guard.core.sampling import Sample
from api_guard.exceptions import is_fault
from api_guard.grants.reading import LiveGrant, database
from api_guard.grants.tracking import keep_tracking
from api_guard.models import ScopeGrant, ScopeUse

logger = logging.getLogger("api_guard.grants")

# For each grant, about 200 bytes. A process that uses more grants asks the database more often.
sample = Sample(most=50_000)
# When a use could not be written, the next use after this time is.
_RETRY = timedelta(seconds=10)
_UID = "api_guard.grants"


def connect() -> None:
    """Write the uses when a request is finished, before Django closes its connections."""
    request_finished.connect(write_uses, dispatch_uid=_UID)
    # A signal has no call that connects before another receiver. The others keep their places.
    # Ours is known by its key: what stands beside the key differs with Django and with `weak=`.
    with request_finished.lock:
        request_finished.receivers.sort(key=lambda receiver: receiver[0][0] != _UID)


def record_use(rows: Iterable[LiveGrant], scopes: Iterable[str]) -> None:
    """Note that the rows that gave `scopes` let a request in. It is written after the answer.

    A process writes each grant at most once per interval.
    """
    used = frozenset(scopes)
    pks = [row.pk for row in rows if row.scope in used]
    if pks:
        sample.note(database(), pks, timezone.now(), _interval())


def write_uses(**kwargs: Any) -> None:
    """Write the uses that were noted. It never raises: a failure is logged."""
    del kwargs
    for alias in sample.databases():
        connection = connections[alias]
        if connection.connection is None:
            continue  # a later request writes it: a connection that we opened would stay open
        write: Any = partial(_write, alias, sample.take(alias))
        if connection.in_atomic_block:  # a test that rolls everything back
            transaction.on_commit(write, using=alias)
        else:
            write()


def _write(alias: str, taken: dict[int, datetime]) -> None:
    if not taken:
        return  # another thread was faster
    now, interval = max(taken.values()), _interval()
    sample.settle(alias, taken, now + interval)
    left: Collection[int] = taken
    try:
        with _in_autocommit(alias), _no_wait(alias):
            left = write_use(alias, taken, now, now - interval)
            keep_tracking(alias, now)
    except Exception as error:
        # It may be read only, or its tables may be missing: other grants would fail as well.
        sample.pause(alias, now, now + _RETRY)
        if is_fault(error):
            logger.warning("The use of %d grants could not be recorded: %s", len(taken), error)
        else:
            logger.exception("The use of %d grants could not be recorded.", len(taken))
    sample.settle(alias, left, now + min(interval, _RETRY))


def write_use(alias: str, pks: Collection[int], now: datetime, due: datetime) -> frozenset[int]:
    """Write that these grants were used at `now`, if their last use was written before `due`.

    Returns the grants that another transaction has locked, or that do not exist: they are skipped.
    """
    features = connections[alias].features
    # MariaDB before 10.6 has only NOWAIT. SQLite has neither, and does not lock rows.
    skips: bool = features.has_select_for_update_skip_locked
    lock: Any = {"skip_locked": skips, "nowait": not skips}
    uses = ScopeUse.objects.using(alias)
    with transaction.atomic(using=alias):
        free = uses.filter(pk__in=pks, last_used_at__lte=due).select_for_update(**lock)
        written = set(free.values_list("pk", flat=True))
        if written:
            uses.filter(pk__in=written).update(last_used_at=now)
    others = set(pks) - written
    if not others:
        return frozenset()
    known = dict(uses.filter(pk__in=others).values_list("pk", "last_used_at"))
    unknown = others - known.keys()
    if unknown:
        # The check of the foreign key would wait for a transaction that has locked the grant.
        lock["no_key"] = features.has_select_for_no_key_update
        rows = ScopeGrant.objects.using(alias).filter(pk__in=unknown).order_by("pk")
        with transaction.atomic(using=alias):
            there = list(rows.select_for_update(**lock).values_list("pk", flat=True))
            uses.bulk_create(
                [ScopeUse(grant_id=pk, last_used_at=now) for pk in there], ignore_conflicts=True
            )
        unknown -= set(there)
    return frozenset(unknown | {pk for pk, moment in known.items() if moment <= due})


def _interval() -> timedelta:
    return timedelta(seconds=conf.last_used_interval())


@contextmanager
def _in_autocommit(alias: str) -> Iterator[None]:
    """Use another connection if the project commits by itself: its work must not be committed."""
    theirs = connections[alias]
    if theirs.autocommit or theirs.in_atomic_block:
        yield
        return
    ours = connections.create_connection(alias)
    ours.settings_dict = {**ours.settings_dict, "AUTOCOMMIT": True}
    connections[alias] = ours
    try:
        yield
    finally:
        connections[alias] = theirs
        ours.close()


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
