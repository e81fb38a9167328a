"""Counts the grants that somebody should look at, up to a limit."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from api_guard.grants import effects
from api_guard.grants.asking import open_requests
from api_guard.grants.authority import BREAK_GLASS
from api_guard.grants.effects import Effect
from api_guard.grants.reading import live, stored
from api_guard.grants.tracking import tracked_since
from api_guard.models import ScopeGrant, ScopeUse

SOON = timedelta(days=7)
UNUSED_FOR = timedelta(days=90)
# Of a million grants, only the oldest are looked at: a count of all would read the whole table.
_MOST_OLD = 5000


@dataclass(frozen=True)
class Attention:
    """Open requests; and live grants: those that expire within `SOON`, break-glass, without use.

    `unused` counts the grants that were not used within `UNUSED_FOR`; None if nobody can tell,
    because uses are not recorded for so long. With `is_least`, there may be more of them.
    `undeclared` is 0 for who sees only some scopes.
    """

    requests: int
    expiring: int
    break_glass: int
    unused: int | None
    is_least: bool
    inactive: int
    undeclared: int


def attention(scopes: Collection[str] | None, most: int) -> Attention:
    """Count at most `most` of each, of some scopes or (None) of all. Every query uses an index."""
    now = timezone.now()
    is_asked = Q() if scopes is None else Q(scope__in=list(scopes))
    every = stored().filter(is_asked).order_by()
    rows = live(now).filter(is_asked).order_by()
    unused, is_least = _unused(rows, most, now)
    undeclared = effects.in_effect(every, Effect.UNDECLARED) if scopes is None else every.none()
    return Attention(
        open_requests().filter(is_asked).order_by()[:most].count(),
        rows.filter(expires_at__lte=now + SOON)[:most].count(),
        # None of them lasts longer, so the index of the expiry finds them.
        rows.filter(expires_at__lte=now + BREAK_GLASS, is_break_glass=True)[:most].count(),
        unused,
        is_least,
        effects.in_effect(every, Effect.INACTIVE)[:most].count(),
        undeclared[:most].count(),
    )


def _unused(rows: QuerySet[ScopeGrant], most: int, now: datetime) -> tuple[int | None, bool]:
    """Return how many of the oldest grants were not used, and whether there may be others."""
    before, since = now - UNUSED_FOR, tracked_since(now)
    if since is None or since > before:
        return None, False
    old = effects.not_kept(rows, now).filter(granted_at__lte=before).order_by("granted_at", "pk")
    keys = list(old.values_list("pk", flat=True)[:_MOST_OLD])
    uses = ScopeUse.objects.using(rows.db).filter(pk__in=keys, last_used_at__gt=before)
    return min(most, len(keys) - uses.count()), len(keys) == _MOST_OLD
