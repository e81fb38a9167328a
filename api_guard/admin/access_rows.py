"""Everything that the access page shows of a user, a group or a client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.sites import AdminSite
from django.db import models
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from api_guard import conf, grants, tokens
from api_guard.admin.finding import Found, as_found, find, grantee_at
from api_guard.admin.grantees import display_name
from api_guard.admin.lists import MOST_ROWS
from api_guard.admin.rate_words import RateWords, limit_in_words, rates_in_words
from api_guard.admin.viewing import Viewer, access_url, change_url, scope_url
from api_guard.models import RateOverride

_PARTNERS = 20


@dataclass(frozen=True)
class Line:
    """A scope that the grantee holds, and the grant that gives it.

    `is_cut` is true if the other side of a token does not hold the scope.
    """

    holding: grants.Holding
    meaning: str
    is_declared: bool
    is_sensitive: bool
    may_take: bool
    scope_url: str
    through_url: str
    is_cut: bool = False

    @property
    def last_used_at(self) -> Any:
        """When the grant was last used. Only this line reads it."""
        return self.holding.row.last_used_at

    @property
    def given_by(self) -> str:
        """Who gave it; "" for code. It is not the address of a user who signs in with that."""
        by = self.holding.row.granted_by
        return "" if by is None else display_name(by)


@dataclass(frozen=True)
class Partner:
    """The other side of a token: a client of a user, or a user of a client."""

    found: Found
    url: str
    share: tokens.Share | None = None


@dataclass(frozen=True)
class Together:
    """A user and a client. `both` are the scopes that a token of both can use."""

    found: Found
    url: str
    both: tuple[str, ...]
    only_there: tuple[str, ...]


def lines(
    held: tuple[grants.Holding, ...],
    viewer: Viewer,
    site: AdminSite,
    others: frozenset[str] | None,
) -> Iterator[Line]:
    """Yield the holdings, which the viewer may see, in words."""
    terms, seen = conf.scope_terms(), set[int]()
    for holding in held:
        # A grant of a bundle stands on several lines, and is taken once.
        may_take = viewer.may_take(holding) and holding.row.pk not in seen
        seen.add(holding.row.pk)
        found = terms.get(holding.scope)
        grantee = holding.row.grantee
        is_group = not holding.is_own and grantee is not None
        yield Line(
            holding,
            "" if found is None else found.description,
            found is not None,
            found is not None and found.is_sensitive,
            may_take,
            "" if found is None else scope_url(site, holding.scope),
            access_url(site, "group", grantee.pk) if is_group and grantee is not None else "",
            others is not None and holding.scope not in others,
        )


def partner_kind(kind: str) -> str:
    """Return the other side of a token; "" for a group, which has no tokens."""
    return {"user": "client", "client": "user"}.get(kind, "")


def partners(
    alive: tokens.Alive | None, kind: str, term: str, url: str, viewer: Viewer
) -> tuple[list[Partner], bool]:
    """Return those with live tokens, or those that are searched for; and whether there are more."""
    other = partner_kind(kind)
    if term and other:
        found, is_more = find(term, (other,), by_mail=viewer.sees_all)
        return [Partner(each, f"{url}?with={each.row.pk}") for each in found], is_more
    rows = alive.partners if alive is not None else ()
    return [
        Partner(as_found(other, row, by_mail=viewer.sees_all), f"{url}?with={row.pk}", share)
        for row, share in rows
    ], False


def together(
    kind: str, grantee: models.Model, key: str, viewer: Viewer, site: AdminSite
) -> Together | None:
    """Return the user and the client of a token, and what both hold. Raises Http404."""
    other = partner_kind(kind)
    if not key or not other:
        return None
    row = grantee_at(other, key)
    user, client = (grantee, row) if kind == "user" else (row, grantee)
    granted, _rows = grants.granted(user, client.pk)
    sides = {"user": granted.user or frozenset(), "client": granted.client or frozenset()}
    here, there = sides[kind], sides[other]
    return Together(
        as_found(other, row, by_mail=viewer.sees_all),
        access_url(site, other, row.pk),
        tuple(sorted(filter(viewer.sees, here & there))),
        tuple(sorted(filter(viewer.sees, there - here))),
    )


def tokens_of(kind: str, grantee: models.Model) -> tokens.Alive | None:
    """Return the live tokens of a user or a client."""
    return tokens.alive(grantee, MOST_ROWS, _PARTNERS) if partner_kind(kind) else None


def overrides_of(
    kind: str, grantee: models.Model, site: AdminSite, request: HttpRequest
) -> list[tuple[RateOverride, str, str]]:
    """Return the live rate overrides of a grantee and of a user's groups: page, words."""
    own = Q(**{kind: grantee.pk})
    if kind == "user":
        own |= Q(group__in=grants.groups_of(grantee).values("pk"))
    is_live = Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now())
    rows = RateOverride.objects.using(grants.database()).filter(own, is_live)
    found = rows.select_related("user", "group", "client").order_by("name", "pk")[:MOST_ROWS]
    rows_found = list(found)
    words = rates_in_words() if rows_found else {}
    return [(row, change_url(site, row, request), _said(row, words)) for row in rows_found]


def _said(row: RateOverride, words: dict[str, RateWords]) -> str:
    """Return an override in words; a name that the code no longer has stands as it is."""
    known = words.get(row.name)
    said = f"{known.where if known else row.name}: {limit_in_words(row.name, row.limit)}"
    group = row.group
    return said if group is None else f"{said} ({group})"
