"""Finds the grants and the requests that people should be told about."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from api_guard import conf
from api_guard.grants.asking import open_requests
from api_guard.grants.reading import live, stored
from api_guard.models import GRANTEES, GrantRequest, ScopeGrant


def expiring(until: datetime) -> QuerySet[ScopeGrant]:
    """Return the live grants that end before `until`; no break-glass grant, which ends anyway."""
    rows = live().filter(expires_at__lte=until, is_break_glass=False)
    return rows.select_related(*GRANTEES).order_by("expires_at", "pk")


def expired(since: datetime) -> QuerySet[ScopeGrant]:
    """Return the unrevoked grants that have expired after `since`; no break-glass grant."""
    rows = stored().filter(live=1, expires_at__gt=since, expires_at__lte=timezone.now())
    return rows.filter(is_break_glass=False).select_related(*GRANTEES).order_by("expires_at", "pk")


def taken_since(since: datetime) -> QuerySet[ScopeGrant]:
    """Return the break-glass grants that were made after `since`, also if they have ended."""
    rows = stored().filter(granted_at__gt=since, is_break_glass=True)
    return rows.select_related(*GRANTEES).order_by("granted_at", "pk")


def sensitive_since(since: datetime) -> QuerySet[ScopeGrant]:
    """Return the grants of sensitive scopes that were made after `since`."""
    rows = stored().filter(granted_at__gt=since, is_break_glass=False)
    rows = rows.filter(scope__in=conf.sensitive_scopes())
    return rows.select_related(*GRANTEES).order_by("granted_at", "pk")


def waiting() -> QuerySet[GrantRequest]:
    """Return the open requests, the oldest first."""
    return open_requests().select_related(*GRANTEES, "asked_by").order_by("pk")
