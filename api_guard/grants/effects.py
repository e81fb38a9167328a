"""What a grant does now, in one word, and the queries that find grants by it."""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import connections
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from api_guard import conf
from api_guard.grants.finding import active
from api_guard.grants.reading import counting
from api_guard.models import ScopeGrant, ScopeUse, is_past

ENDING_SOON = timedelta(days=3)
# Where the last use of a grant is stored: a lookup, and what a list has to join for it.
LAST_USE = "use__last_used_at"
LAST_USE_RELATED: tuple[str, ...] = ("use",)


class Effect(StrEnum):
    """What a grant does now. The last two are live, and give nothing."""

    LIVE = "live"
    ENDING = "ending"
    EXPIRED = "expired"
    REVOKED = "revoked"
    INACTIVE = "inactive"
    UNDECLARED = "undeclared"


def effect_of(row: ScopeGrant, declared: Container[str], now: datetime | None = None) -> Effect:
    """Return what a grant does now. `declared` are the scopes and bundles of the settings."""
    moment = now or timezone.now()
    if row.revoked_at is not None:
        return Effect.REVOKED
    if not row.is_live(moment):
        return Effect.EXPIRED
    if row.scope not in declared:
        return Effect.UNDECLARED
    if row.user_id is not None and getattr(row.grantee, "is_active", True) is not True:
        return Effect.INACTIVE
    if row.expires_at is not None and is_past(row.expires_at, moment + ENDING_SOON):
        return Effect.ENDING
    return Effect.LIVE


def last_use(row: ScopeGrant) -> datetime | None:
    """Return when a grant last let a request in, or None."""
    return row.last_used_at


def in_effect(rows: QuerySet[ScopeGrant], effect: str) -> QuerySet[ScopeGrant]:
    """Keep the grants with an effect. Those without effect are live too."""
    now = timezone.now()
    match effect:
        case Effect.EXPIRED:
            return rows.filter(live=1, expires_at__lte=now)
        case Effect.REVOKED:
            return rows.filter(revoked_at__isnull=False)
        case Effect.INACTIVE:
            user: Any = ScopeGrant._meta.get_field("user").related_model
            inactive = active(user._base_manager.all(), is_active=False).order_by().values("pk")
            return rows.filter(counting(now), user__in=inactive)
        case Effect.UNDECLARED:
            return rows.filter(counting(now), scope__in=undeclared_scopes(rows.db))
    return rows.filter(counting(now))


def ending_within(rows: QuerySet[ScopeGrant], time: timedelta) -> QuerySet[ScopeGrant]:
    """Keep the live grants that expire within this time."""
    now = timezone.now()
    return rows.filter(live=1, expires_at__gt=now, expires_at__lte=now + time)


def never_used(rows: QuerySet[ScopeGrant]) -> QuerySet[ScopeGrant]:
    """Keep the live grants that never let a request in."""
    return _with_use(rows).filter(counting(timezone.now()), Q(("used__isnull", True)))


def unused_for(rows: QuerySet[ScopeGrant], time: timedelta) -> QuerySet[ScopeGrant]:
    """Keep the live grants that are older than this time and were not used within it.

    Those that somebody keeps although they are not used are left out.
    """
    now = timezone.now()
    before = now - time
    is_unused = Q(("used__isnull", True)) | Q(("used__lte", before))
    found = _with_use(not_kept(rows, now))
    return found.filter(counting(now), is_unused, granted_at__lte=before)


def not_kept(rows: QuerySet[ScopeGrant], now: datetime) -> QuerySet[ScopeGrant]:
    """Leave out the grants that somebody keeps, until then, although they are not used."""
    return rows.filter(Q(kept_until__isnull=True) | Q(kept_until__lte=now))


def _with_use(rows: QuerySet[ScopeGrant]) -> QuerySet[ScopeGrant]:
    # PostgreSQL would read the whole table of uses for a join. This it looks up for each row.
    use = ScopeUse.objects.filter(grant=OuterRef("pk")).order_by()
    return rows.alias(used=Subquery(use.values("last_used_at")[:1]))


def undeclared_scopes(using: str) -> list[str]:
    """Return the scopes of grants that the settings no longer declare.

    It jumps from scope to scope in an index, because DISTINCT would read the whole table.
    """
    table = connections[using].ops.quote_name(ScopeGrant._meta.db_table)
    # Only the name of the table is put into the text.
    sql = (
        f"WITH RECURSIVE used (scope) AS (SELECT MIN(scope) FROM {table} UNION ALL "  # noqa: S608
        f"SELECT (SELECT MIN(t.scope) FROM {table} t WHERE t.scope > used.scope) FROM used "
        "WHERE used.scope IS NOT NULL) SELECT scope FROM used WHERE scope IS NOT NULL"
    )
    declared = conf.grantable()
    with connections[using].cursor() as cursor:
        cursor.execute(sql)
        return [scope for (scope,) in cursor.fetchall() if scope not in declared]
