"""The grants of a review in words: what each gives to whom, what stands out, what was decided."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin.sites import AdminSite
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from api_guard import conf, grants
from api_guard.admin.access_reviews.seeing import Reader
from api_guard.admin.grant_columns import badge
from api_guard.admin.grantees import LEAST_LETTERS, MOST_WORDS, display_name
from api_guard.admin.granting import name_of
from api_guard.admin.lists import grantees_named
from api_guard.admin.own import Own
from api_guard.admin.viewing import access_url, scope_url
from api_guard.core.records import key_of_party
from api_guard.grants import effects
from api_guard.models import AccessReview, ReviewedGrant, ScopeGrant, is_past
from api_guard.reviews.items import UNUSED_FOR


@dataclass(frozen=True)
class Line:
    """A grant of a review. `grant` is None if it was deleted."""

    item: ReviewedGrant
    grant: ScopeGrant | None
    whom: str
    whom_url: str
    members: int | None
    meaning: str
    scope_url: str
    state: Any
    given_by: str
    is_unused: bool
    decided_by: str
    why_not: str

    @property
    def last_used_at(self) -> Any:
        """When it was last used; once it was decided, what was known then."""
        if self.item.decision or self.grant is None:
            return self.item.last_used_at
        return self.grant.last_used_at


def lines_of(
    site: AdminSite, request: HttpRequest, review: AccessReview, reader: Reader, page: Sequence[Any]
) -> Iterator[Line]:
    """Describe some grants of a review, with a fixed number of queries."""
    own, meanings = Own.of(request), conf.grantable()
    rows = [item.grant for item in page if item.grant is not None]
    members = grants.members([row.group for row in rows if row.group is not None])
    decides = reader.decides(review)
    before = timezone.now() - UNUSED_FOR
    can_tell = knows_unused()
    for item in page:
        row = item.grant
        yield Line(
            item,
            row,
            item.grantee if row is None else name_of(row.grantee),
            ""
            if row is None
            else access_url(site, row.grantee_kind, getattr(row.grantee, "pk", "")),
            None if row is None else members.get(row.group_id),
            meanings.get(item.scope, ""),
            scope_url(site, item.scope) if item.scope in meanings else "",
            "" if row is None else badge(effects.effect_of(row, meanings)),
            "" if row is None or row.granted_by is None else display_name(row.granted_by),
            can_tell and row is not None and not item.decision and _is_unused(row, before),
            "" if item.decided_by is None else display_name(item.decided_by),
            _why_not(item, row, own, reader) if decides else _("You do not decide in this review."),
        )


def matching(rows: QuerySet[ReviewedGrant], term: str) -> QuerySet[ReviewedGrant]:
    """Keep the grants whose scope or grantee matches each word."""
    declared = conf.grantable()
    for word in term.split()[:MOST_WORDS]:
        named = grantees_named(word, is_part=len(word) >= LEAST_LETTERS)
        keys = [key_of_party(kind, str(pk)) for kind, pks in named.items() for pk in pks]
        scopes = [word, *(name for name in declared if word in name)]
        rows = rows.filter(Q(grantee__in=keys) | Q(scope__in=scopes))
    return rows


def knows_unused() -> bool:
    """Whether uses were recorded for so long that nobody mistakes an older use for none."""
    now = timezone.now()
    since = grants.tracked_since(now)
    return since is not None and is_past(since, now - UNUSED_FOR)


def _is_unused(row: ScopeGrant, before: datetime) -> bool:
    used = row.last_used_at
    return is_past(row.granted_at, before) and (used is None or is_past(used, before))


def _why_not(item: ReviewedGrant, row: ScopeGrant | None, own: Own, reader: Reader) -> str:
    """Return why nothing is decided about a grant; "" if it waits for this person."""
    if item.decision:
        return _("It is decided already.")
    if row is None or not row.is_live():
        return _("It has ended: there is nothing to decide.")
    if own.has(row):
        return _("It is your own, or that of your own group or client: others decide.")
    if not reader.authority.is_over(item.scope):
        return _("You may not grant this scope.")
    return ""
