"""Samples uses in memory: each key is written at most once within an interval."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from threading import Lock


class Sample:
    """Which keys of each database were used and are not written yet, and when each is due again.

    Threads may share it. It keeps at most `most` keys of each kind.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._waiting: dict[tuple[str, int], datetime] = {}
        self._due: dict[tuple[str, int], datetime] = {}
        self._pauses: dict[str, tuple[datetime, datetime]] = {}

    def note(self, database: str, keys: Iterable[int], now: datetime, interval: timedelta) -> None:
        """Note that these keys were used, unless their use was written within the interval.

        While the database is paused, nothing is noted.
        """
        begin, end = self._pauses.get(database, (now, now))
        if begin <= now < end:  # not after a clock was set back
            return
        latest = now + interval
        with self._lock:
            for key in keys:
                known = (database, key)
                due = self._due.get(known)
                # After a clock was set back, or the interval was made shorter, it is due too.
                is_due = due is None or due <= now or due > latest
                if is_due and known not in self._waiting and len(self._waiting) < self._most:
                    self._waiting[known] = now

    def databases(self) -> frozenset[str]:
        """Return the databases that have uses to write."""
        if not self._waiting:  # every request asks: no lock
            return frozenset()
        with self._lock:
            return frozenset(database for database, _key in self._waiting)

    def take(self, database: str) -> dict[int, datetime]:
        """Return the keys that have to be written, each with its use, and keep them no longer."""
        with self._lock:
            taken = [known for known in self._waiting if known[0] == database]
            return {known[1]: self._waiting.pop(known) for known in taken}

    def settle(self, database: str, keys: Iterable[int], due: datetime) -> None:
        """Let these keys be due again at `due`. The oldest keys are forgotten."""
        with self._lock:
            for key in keys:
                self._due.pop((database, key), None)
                self._due[database, key] = due
            for known in list(self._due)[: max(0, len(self._due) - self._most)]:
                del self._due[known]

    def pause(self, database: str, now: datetime, until: datetime) -> None:
        """Note no use of this database until then, for what was asked last failed."""
        with self._lock:
            self._pauses[database] = (now, until)

    def forget(self) -> None:
        """Forget everything."""
        with self._lock:
            self._pauses.clear()
            self._waiting.clear()
            self._due.clear()
