"""Everything that a person has to know before it decides about a request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin.sites import AdminSite
from django.http import HttpRequest

from api_guard import conf, explain, grants
from api_guard.admin.access_rows import lines
from api_guard.admin.grant_requests.standing import badge, ending, may_decline, obstacle
from api_guard.admin.grantees import display_name
from api_guard.admin.granting import name_of
from api_guard.admin.own import Own
from api_guard.admin.viewing import access_url, scope_url, viewer_of
from api_guard.core.scopes import EVERY_SCOPE, ScopeTerms
from api_guard.models import GrantRequest, ScopeGrant

_MOST_HELD = 20
_MOST_ENDPOINTS = 10


@dataclass(frozen=True)
class Said:
    """One who has approved, and the earlier end that was set, if any."""

    name: str
    at: datetime
    until: datetime | None


def facts_of(site: AdminSite, request: HttpRequest, row: GrantRequest) -> dict[str, Any]:
    """Return what the page of a request shows. The number of queries is fixed."""
    terms = conf.scope_terms().get(row.scope, ScopeTerms(""))
    grantee: Any = row.grantee
    why_not = obstacle(request, row, Own.of(request))
    required = [each.row for each in explain.requirements() if row.scope in each.scopes]
    is_group = row.grantee_kind == "group"
    return {
        "row": row,
        "badge": badge(row),
        "is_open": grants.is_open(row),
        "ending": ending(row),
        "whom": name_of(grantee),
        "whom_url": access_url(site, row.grantee_kind, grantee.pk),
        "is_inactive": getattr(grantee, "is_active", True) is not True,
        "members": grants.members([grantee])[grantee.pk] if is_group else None,
        "asked_by": "" if row.asked_by is None else display_name(row.asked_by),
        "closes_at": grants.closes_at(row),
        "terms": terms,
        "is_declared": row.scope in conf.scope_terms(),
        "scope_url": scope_url(site, row.scope),
        "approvals": list(_approvals(row)),
        "needed": grants.approvals_needed(row.scope),
        "deciders": _deciders(terms),
        "required": required[:_MOST_ENDPOINTS],
        "others_required": len(required) - _MOST_ENDPOINTS,
        "why_not": why_not,
        "may_approve": not why_not,
        "may_decline": may_decline(request, row),
        **_held(site, request, row),
    }


def _approvals(row: GrantRequest) -> Iterator[Said]:
    for each in sorted(row.approvals.all(), key=lambda said: said.at):
        yield Said(display_name(each.by), each.at, each.expires_at)


def _deciders(terms: ScopeTerms) -> list[str]:
    """Return the names of the groups whose members may grant a scope."""
    over = {terms.group, EVERY_SCOPE} - {""}
    rows = grants.authorities().filter(scope_group__in=over)
    return sorted({str(each.group) for each in rows.select_related("group")})


def _held(site: AdminSite, request: HttpRequest, row: GrantRequest) -> dict[str, Any]:
    """Return what the grantee holds, of what this person may see."""
    viewer, grantee = viewer_of(request), row.grantee
    keys = [] if grantee is None else grants.live_keys(grantee)
    seen = [(key, scope) for key, scope in keys if viewer.sees(scope)]
    # What it has of the same scope comes first.
    seen.sort(key=lambda each: each[1] != row.scope)
    found = () if grantee is None else grants.holdings(grantee, seen[:_MOST_HELD])
    own: list[ScopeGrant] = [
        each.row for each in found if each.is_own and each.row.scope == row.scope
    ]
    return {
        "held": list(lines(found, viewer, site, None)),
        "others_held": len(seen) - _MOST_HELD,
        "is_partial": len(seen) < len(keys),
        "held_already": own[0] if own else None,
    }
