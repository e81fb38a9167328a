"""Collects what there is to tell, each thing under a key of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from api_guard import grants
from api_guard.grants import noticing
from api_guard.models import GrantRequest, Notice, ScopeGrant

EXPIRING, EXPIRED, WAITING = "expiring", "expired", "waiting"
BREAK_GLASS, SENSITIVE = "break_glass", "sensitive"


@dataclass(frozen=True)
class Item:
    """One thing to tell: its kind, the key by which it is told once, and the row."""

    kind: str
    key: str
    row: Any = field(compare=False, repr=False)


def items(days: int) -> list[Item]:
    """Return all that may have to be told; some of it was told before."""
    now = timezone.now()
    since = _since(now, days)
    soon = now + timedelta(days=days)
    # A grant that is extended ends at another time, and is told again.
    return [
        *(_ends(EXPIRING, row) for row in noticing.expiring(soon)),
        *(_ends(EXPIRED, row) for row in noticing.expired(since)),
        *(_once(WAITING, row) for row in noticing.waiting()),
        *(_once(BREAK_GLASS, row) for row in noticing.taken_since(since)),
        *(_once(SENSITIVE, row) for row in noticing.sensitive_since(since)),
    ]


def untold(found: list[Item]) -> Iterator[Item]:
    """Yield the items that no run has told or is telling."""
    keys = [item.key for item in found]
    rows = Notice.objects.using(grants.database())
    known: set[str] = set()
    for page in _pages(keys):
        known.update(rows.filter(key__in=page).values_list("key", flat=True))
    return (item for item in found if item.key not in known)


def _since(now: datetime, days: int) -> datetime:
    """Return since when: the last notice, if the command did not run for longer than `days`."""
    early = now - timedelta(days=days)
    told = Notice.objects.using(grants.database()).filter(sent_at__isnull=False)
    last = told.order_by("-sent_at").values_list("sent_at", flat=True).first()
    return early if last is None else min(early, last)


def _pages(keys: list[str]) -> Iterator[list[str]]:
    # SQLite takes only so many values at once.
    yield from (keys[start : start + 500] for start in range(0, len(keys), 500))


def _ends(kind: str, row: ScopeGrant) -> Item:
    return Item(kind, f"{kind}:{row.pk}:{row.expires_at:%Y%m%dT%H%M%S}", row)


def _once(kind: str, row: ScopeGrant | GrantRequest) -> Item:
    return Item(kind, f"{kind}:{row.pk}", row)
