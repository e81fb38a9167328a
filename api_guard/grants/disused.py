"""Finds the live grants that nobody uses, and revokes them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Q, QuerySet
from django.utils import timezone

from api_guard import conf
from api_guard.grants.authority import refuse_without_authority
from api_guard.grants.deadlocks import in_transaction
from api_guard.grants.errors import GrantError, refuse_reason
from api_guard.grants.reading import counting, stored
from api_guard.grants.tracking import tracked_since
from api_guard.grants.who import By, Claimed, System, who_of
from api_guard.grants.writing import close
from api_guard.models import GRANTEES, ScopeGrant

_PAGE = 1000


class Why(StrEnum):
    """Why a grant is listed. The last two have no effect at all."""

    UNUSED = "unused"
    INACTIVE = "inactive"  # its user is not active
    UNDECLARED = "undeclared"  # its scope is not in the settings


EVERY_WHY = tuple(Why)


@dataclass(frozen=True)
class Unused:
    """A live grant that can be revoked, and why."""

    row: ScopeGrant
    why: Why

    def __str__(self) -> str:
        row = self.row
        used = row.last_used_at
        said = {
            Why.UNUSED: "never used" if used is None else f"last used {used:%Y-%m-%d %H:%M}",
            Why.INACTIVE: "its user is inactive",
            Why.UNDECLARED: "its scope is not declared",
        }
        return f"grant {row.pk}: {row}, {said[self.why]}, granted {row.granted_at:%Y-%m-%d}"

    def as_dict(self) -> dict[str, object]:
        """Return it for JSON."""
        row = self.row
        used = row.last_used_at
        return {
            "grant": row.pk,
            "scope": row.scope,
            row.grantee_kind: str(row.grantee),
            "why": self.why.value,
            "granted_at": row.granted_at.isoformat(),
            "last_used_at": None if used is None else used.isoformat(),
        }


def unused(days: int, *, only: Collection[Why] = EVERY_WHY) -> Iterator[Unused]:
    """Yield the live grants that were not used for so many days, and those without effect.

    Grants that are younger, and those that `keep` has acknowledged, are left out. It needs as much
    memory for a million grants as for ten.
    """
    now = timezone.now()
    for page in _pages(_candidates(days, only, now)):
        yield from _judged(page, only)


def revoke_unused(
    days: int, *, by: By, reason: str = "", only: Collection[Why] = EVERY_WHY
) -> Iterator[Unused]:
    """Revoke what `unused` yields, in batches, and yield each grant when it was revoked.

    Raises GrantError before anything is revoked: `not_tracked` if uses were not recorded in all
    these days, `no_authority`, `nobody`, or the code of an invalid reason.
    """
    refuse_reason(reason)
    who_of(by)
    now = timezone.now()
    if Why.UNUSED in only:
        _refuse_untracked(days, now)
    rows = _candidates(days, only, now)
    if not isinstance(by, (System, Claimed)):
        for scope in sorted(set(rows.order_by().values_list("scope", flat=True).distinct())):
            refuse_without_authority(by, scope)
        everyone = rows.filter(group__name=conf.everyone_group() or "").first()
        if everyone is not None:
            refuse_without_authority(by, everyone.scope, everyone.grantee)
    return _revoked(rows, only, by, reason or f"not used for {days} days")


def _revoked(
    rows: QuerySet[ScopeGrant], only: Collection[Why], by: By, reason: str
) -> Iterator[Unused]:
    for page in _pages(rows):
        known = {each.row.pk: each for each in _judged(page, only)}

        def end(pks: Collection[int] = tuple(known)) -> list[int]:
            # Some may have been used, kept or revoked since the page was read.
            still = list(rows.filter(pk__in=pks).order_by().values_list("pk", flat=True))
            close(stored().filter(pk__in=still, live=1), by, reason)
            return still

        for pk in sorted(in_transaction(end)):
            yield known[pk]


def _refuse_untracked(days: int, now: datetime) -> None:
    since = tracked_since(now)
    if since is None:
        raise GrantError(
            "not_tracked",
            "No use of any grant was recorded in the last seven days, so nobody can tell which "
            "grants are used. See the log api_guard.grants.",
        )
    latest = since + timedelta(days=days)
    if latest > now:
        raise GrantError(
            "not_tracked",
            f"Uses are recorded since {since:%Y-%m-%d %H:%M}, which is less than {days} days. "
            f"Write at most {(now - since).days} days, or wait until {latest:%Y-%m-%d %H:%M}.",
        )


def _candidates(days: int, only: Collection[Why], now: datetime) -> QuerySet[ScopeGrant]:
    before = now - timedelta(days=days)
    # A use is written at most once per interval: the real one may be later by that.
    used = before - timedelta(seconds=conf.last_used_interval())
    conditions = {
        Why.UNUSED: Q(granted_at__lte=before) & (Q(use=None) | Q(use__last_used_at__lt=used)),
        Why.INACTIVE: Q(user__is_active=False) if _has_flag() else Q(pk__in=[]),
        Why.UNDECLARED: ~Q(scope__in=list(conf.grantable())),
    }
    wanted = Q(pk__in=[])
    for why in only:
        wanted |= conditions[why]
    is_kept = Q(kept_until__isnull=True) | Q(kept_until__lte=now)
    return stored().filter(counting(now), is_kept, wanted)


def _has_flag() -> bool:
    user: Any = ScopeGrant._meta.get_field("user").related_model
    try:
        user._meta.get_field("is_active")
    except FieldDoesNotExist:
        return False
    return True


def _judged(page: list[ScopeGrant], only: Collection[Why]) -> Iterator[Unused]:
    declared = conf.grantable()
    for row in page:
        is_active = row.user is None or getattr(row.user, "is_active", True)
        if Why.UNDECLARED in only and row.scope not in declared:
            yield Unused(row, Why.UNDECLARED)
        elif Why.INACTIVE in only and not is_active:
            yield Unused(row, Why.INACTIVE)
        else:
            yield Unused(row, Why.UNUSED)


def _pages(rows: QuerySet[ScopeGrant]) -> Iterator[list[ScopeGrant]]:
    """Yield the rows, page by page. Each page is found by its keys.

    With a condition on the key alone, PostgreSQL would merge the whole table of uses for each page.
    """
    every, last = stored().filter(live=1).order_by("pk"), -(2**63)
    rows = rows.order_by("pk").select_related("use", *GRANTEES)
    while keys := list(every.filter(pk__gt=last).values_list("pk", flat=True)[:_PAGE]):
        page = list(rows.filter(pk__in=keys))
        if page:
            yield page
        last = keys[-1]
