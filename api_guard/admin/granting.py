"""Grants what the form says, and tells all that was done, and what was not and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from api_guard import grants
from api_guard.admin.grantees import KINDS, display_name, model_of
from api_guard.grants import Given, Offer
from api_guard.models import GRANTEES, GrantRequest, ScopeGrant


def give(request: HttpRequest, offer: Offer) -> Given:
    """Grant, write the log entries, and tell the user. Raises GrantError."""
    given = grants.grant_many(offer)
    log(request, given.granted, ADDITION, [{"added": {}}])
    for level, text in _told(given, offer.expires_at):
        messages.add_message(request, level, text)
    return given


def log(request: HttpRequest, rows: Sequence[ScopeGrant], flag: int, message: Any) -> None:
    """Write an entry of the admin's history for each grant, with one statement."""
    if rows:
        LogEntry.objects.log_actions(request.user.pk, rows, flag, message)  # type: ignore[arg-type]


def log_changes(request: HttpRequest, rows: Sequence[ScopeGrant], message: str) -> None:
    """Write an entry for each grant that was changed."""
    log(request, rows, CHANGE, message)


def name_of(grantee: models.Model | None) -> str:
    """Return the kind and the name of a grantee: `user alice`."""
    kind = next((k for k in GRANTEES if isinstance(grantee, model_of(k))), "")
    if grantee is None or not kind:
        return _("nobody")
    return f"{KINDS[kind]} {display_name(grantee)}"


def moment(at: datetime | None) -> str:
    """Return a time in Django's current zone, for a sentence."""
    if at is None:
        return _("never")
    local = timezone.localtime(at) if timezone.is_aware(at) else at
    return date_format(local, "DATETIME_FORMAT")


def _told(given: Given, expires_at: datetime | None) -> Iterable[tuple[int, str]]:
    if given.granted:
        until = _("Given until %s:") % moment(expires_at) if expires_at else _("Given:")
        yield messages.SUCCESS, f"{until} {whom_what(given.granted)}"
    if given.asked:
        yield (
            messages.WARNING,
            _("Requested. Two other users have to approve it: %s") % whom_what(given.asked),
        )
    why: dict[str, list[Any]] = {}
    for each in given.unmade:
        why.setdefault(_why(each), []).append(each)
    for reason, those in why.items():
        said = _("Not given, because %(reason)s: %(what)s")
        yield messages.WARNING, said % {"reason": reason, "what": whom_what(those)}


def _why(unmade: grants.Unmade) -> str:
    if isinstance(unmade.row, GrantRequest):
        return _("a request for it is open already")
    if isinstance(unmade.row, ScopeGrant) and unmade.row.expires_at is not None:
        until = moment(unmade.row.expires_at)
        return _("the grantee has it already, until %s (you can extend that)") % until
    return _("the grantee has it already, and it does not expire")


def whom_what(rows: Iterable[Any]) -> str:
    """Return which scopes whom: grantees with the same scopes are named together."""
    of_grantee: dict[models.Model, list[str]] = {}
    for row in rows:
        of_grantee.setdefault(row.grantee, []).append(row.scope)
    together: dict[tuple[str, ...], list[str]] = {}
    for grantee, scopes in of_grantee.items():
        together.setdefault(tuple(scopes), []).append(name_of(grantee))
    said = _("%(scopes)s to %(grantees)s")
    parts = [
        said % {"scopes": ", ".join(scopes), "grantees": ", ".join(names)}
        for scopes, names in together.items()
    ]
    return "; ".join(parts)


def tell_refused(request: HttpRequest, refused: Any, done: str) -> None:
    """Tell how many grants were not changed, and why."""
    for reason, count in refused.items():
        said = ngettext(
            "%(count)d grant was not %(done)s: %(why)s",
            "%(count)d grants were not %(done)s: %(why)s",
            count,
        )
        values = {"count": count, "done": done, "why": reason}
        messages.warning(request, said % values)
