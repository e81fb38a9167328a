"""Since when the use of grants is recorded without a gap."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Lock

from api_guard.grants.reading import database
from api_guard.models import ScopeUseTracking

# A longer time without any recorded use is a gap: perhaps uses were not recorded.
LONGEST_GAP = timedelta(days=7)
# How often a process writes that it records uses.
_BEAT = timedelta(hours=1)
_KEY = 1

_lock = Lock()
_beaten: dict[str, datetime] = {}


def keep_tracking(alias: str, now: datetime) -> None:
    """Write, once an hour, that uses are recorded. After a gap, the recording begins again."""
    with _lock:
        last = _beaten.get(alias)
        if last is not None and timedelta(0) <= now - last < _BEAT:
            return
        _beaten[alias] = now
    rows = ScopeUseTracking.objects.using(alias)
    row = rows.filter(pk=_KEY).first()
    if row is None:
        rows.bulk_create([ScopeUseTracking(_KEY, now, now)], ignore_conflicts=True)
    elif now - row.seen_at > LONGEST_GAP:
        rows.filter(pk=_KEY, seen_at=row.seen_at).update(since=now, seen_at=now)
    elif now - row.seen_at >= _BEAT:
        rows.filter(pk=_KEY, seen_at=row.seen_at).update(seen_at=now)


def forget_beats() -> None:
    """Forget when this process wrote that it records uses."""
    with _lock:
        _beaten.clear()


def tracked_since(now: datetime) -> datetime | None:
    """Return since when uses are recorded without a gap; None if they are not recorded now."""
    row = ScopeUseTracking.objects.using(database()).filter(pk=_KEY).first()
    if row is None or now - row.seen_at > LONGEST_GAP:
        return None
    return row.since
