"""Where a request stands, in words and colour, and whether a person may decide it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from api_guard import grants
from api_guard.admin.grantees import display_name
from api_guard.admin.managers import authority_of
from api_guard.admin.own import Own
from api_guard.models import GrantRequest

STATES = {
    "open": gettext_lazy("waiting"),
    "granted": gettext_lazy("granted"),
    "declined": gettext_lazy("declined"),
    "withdrawn": gettext_lazy("withdrawn"),
    "expired": gettext_lazy("too old"),
}
_COLOURS = {"open": " api-guard-warn", "granted": " api-guard-good"}


def badge(row: GrantRequest) -> Any:
    """Return where a request stands."""
    state = grants.state_of(row)
    said = '<span class="api-guard-badge{}">{}</span>'
    return format_html(said, _COLOURS.get(state, ""), STATES[state])


def ending(row: GrantRequest) -> str:
    """Return who has ended a request, as a sentence; "" if it waits."""
    by = _("somebody") if row.decided_by is None else display_name(row.decided_by)
    said = {
        "granted": _("%(by)s has approved it."),
        "declined": _("%(by)s has declined it."),
        "withdrawn": _("%(by)s has withdrawn it."),
        "expired": _("It is too old: nobody can approve it. It can be asked for again."),
    }.get(grants.state_of(row), "")
    text = said % {"by": by} if said else ""
    return f"{text} {row.decision_reason}".strip()


def obstacle(request: HttpRequest, row: GrantRequest, own: Own) -> str:
    """Return why this person may not approve a request; "" if nothing is known against it."""
    if not grants.is_open(row):
        return ending(row)
    if row.asked_by_id == own.person.pk:
        return _("You have asked for it: others approve it.")
    if own.has(row):
        return _("It is for you, or for your own group or client: others approve it.")
    if any(each.by_id == own.person.pk for each in row.approvals.all()):
        return _("You have approved it already.")
    if not authority_of(request).is_over(row.scope):
        return _("You may not grant this scope.")
    return ""


def may_decline(request: HttpRequest, row: GrantRequest) -> bool:
    """Whether this person may decline a request, or withdraw its own."""
    is_mine = row.asked_by_id is not None and row.asked_by_id == request.user.pk
    return grants.is_open(row) and (is_mine or authority_of(request).is_over(row.scope))
