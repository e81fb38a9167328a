"""The app's page of the admin: what needs attention, and where to find an answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import wraps
from typing import Any

from django.contrib.admin.sites import AdminSite
from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import ngettext

from api_guard import explain, grants
from api_guard.access.endpoints import Status
from api_guard.admin.lists import MOST_ROWS
from api_guard.admin.matters import Matter, findings, list_of
from api_guard.admin.questions import questions
from api_guard.admin.sheets import sheets
from api_guard.admin.viewing import Viewer, viewer_of
from api_guard.limits import credentials
from api_guard.limits.counters import CounterFault
from api_guard.models import Access, AccessReview, Block, Endpoint, GrantRequest, ScopeGrant

_LINKED = "_api_guard_overview"


def link_overview(site: AdminSite) -> None:
    """Put the numbers on the app's page of this site, once. Called when its URLs are read."""
    if _LINKED in vars(site):
        return
    setattr(site, _LINKED, True)
    own = site.app_index

    @wraps(own)
    def app_index(request: HttpRequest, app_label: str, extra_context: Any = None) -> Any:
        if app_label == Access._meta.app_label:
            extra_context = {
                "api_guard_matters": matters(site, request),
                "api_guard_questions": questions(site, request),
                "api_guard_sheets": sheets("api_guard/admin.css"),
                **(extra_context or {}),
            }
        return own(request, app_label, extra_context)

    site.app_index = app_index  # type: ignore[method-assign]  # of this site alone


def matters(site: AdminSite, request: HttpRequest) -> list[Matter] | None:
    """Return what there is to look at, most urgent first; None for who may see nothing of it."""
    viewer = viewer_of(request)
    user: Any = request.user
    sees_endpoints = user.has_perm("api_guard.view_endpoint")
    sees_blocks = user.has_perm("api_guard.view_block")
    reviews = list(_of_reviews(site, request))
    sees_grants = viewer.sees_all or viewer.gives or viewer.gives_all
    if not (sees_grants or sees_endpoints or sees_blocks or reviews):
        return None
    found = [*_of_grants(site, request, viewer), *reviews]
    if sees_endpoints:
        found += _of_endpoints(site)
    if viewer.gives_all or sees_blocks:
        found += _of_blocks(site, request)
    return sorted((each for each in found if each.count), key=lambda each: not each.is_urgent)


def _of_grants(site: AdminSite, request: HttpRequest, viewer: Viewer) -> Iterator[Matter]:
    if not (viewer.sees_all or viewer.gives or viewer.gives_all):
        return
    sees_all = viewer.sees_all or viewer.gives_all
    found = grants.attention(None if sees_all else viewer.gives, MOST_ROWS)
    live = list_of(site, ScopeGrant, request, "?state=live")
    count = found.break_glass
    said = ngettext("break-glass grant is live", "break-glass grants are live", count)
    yield Matter(count, said, live, True)
    asked = list_of(site, GrantRequest, request, "")
    count = found.requests
    said = ngettext("request waits to be approved", "requests wait to be approved", count)
    yield Matter(count, said, asked, True)
    yield from findings(site, request, found)


def _of_reviews(site: AdminSite, request: HttpRequest) -> Iterator[Matter]:
    model_admin: Any = site._registry.get(AccessReview)
    if model_admin is None or not model_admin.has_view_permission(request):
        return
    rows = model_admin.get_queryset(request).filter(closed_at=None).order_by()
    overdue = Q(due_at__lte=timezone.now())
    counts = rows.aggregate(
        overdue=Count("pk", filter=overdue),
        mine=Count("pk", filter=Q(reviewer=request.user.pk) & ~overdue),
    )
    count = counts["overdue"]
    said = ngettext("access review is overdue", "access reviews are overdue", count)
    yield Matter(count, said, list_of(site, AccessReview, request, "?state=overdue"), True)
    count = counts["mine"]
    said = ngettext("access review waits for you", "access reviews wait for you", count)
    yield Matter(count, said, list_of(site, AccessReview, request, "?state=mine"), False)


def _of_endpoints(site: AdminSite) -> Iterator[Matter]:
    counts = Counter(each.row.status for each in explain.requirements())
    url = ""
    if Endpoint in site._registry:
        url = reverse(f"{site.name}:api_guard_endpoint_changelist") + "?status="
    count = counts[Status.UNGUARDED.value]
    said = ngettext(
        "endpoint is unguarded: every request is refused",
        "endpoints are unguarded: every request is refused",
        count,
    )
    yield Matter(count, said, f"{url}{Status.UNGUARDED.value}" if url else "", True)
    count = counts[Status.UNKNOWN.value]
    said = ngettext(
        "endpoint has lost its guard: every request is refused",
        "endpoints have lost their guard: every request is refused",
        count,
    )
    yield Matter(count, said, f"{url}{Status.UNKNOWN.value}" if url else "", True)


def _of_blocks(site: AdminSite, request: HttpRequest) -> Iterator[Matter]:
    try:
        count = len(list(credentials.blocks()))
    except CounterFault:
        return
    said = ngettext("account or address is blocked", "accounts or addresses are blocked", count)
    yield Matter(count, said, list_of(site, Block, request, ""), True)
