"""What can be done to selected grants: revoke them, change when they end, or keep them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy, ngettext

from api_guard import grants
from api_guard.admin.forms import ExtendForm, RevokeForm
from api_guard.admin.granting import log_changes, moment
from api_guard.admin.keeping import KeepSelectedForm
from api_guard.admin.managers import person_of
from api_guard.grants import Changed
from api_guard.grants.changing_many import keep_many
from api_guard.models import ScopeGrant


@dataclass(frozen=True)
class Page:
    """What differs between the pages."""

    name: str
    title: Any
    lead: Any
    button: Any
    done: Any
    form: type[RevokeForm | ExtendForm | KeepSelectedForm]
    change: Callable[[HttpRequest, QuerySet[ScopeGrant], dict[str, Any]], Changed]
    said: Callable[[int, dict[str, Any]], str]


def _revoke(request: HttpRequest, rows: QuerySet[ScopeGrant], chosen: dict[str, Any]) -> Changed:
    reason = chosen["reason"]
    return grants.revoke_many(
        rows,
        by=person_of(request),
        reason=reason,
        told=lambda page: log_changes(request, page, f"Revoked. {reason}".strip()),
    )


def _extend(request: HttpRequest, rows: QuerySet[ScopeGrant], chosen: dict[str, Any]) -> Changed:
    until, reason = chosen["expires_at"], chosen["reason"]
    said = "Never expires." if until is None else f"Expires at {until.isoformat()}."
    return grants.extend_many(
        rows,
        until,
        by=person_of(request),
        reason=reason,
        told=lambda page: log_changes(request, page, f"{said} {reason}".strip()),
    )


def _keep(request: HttpRequest, rows: QuerySet[ScopeGrant], chosen: dict[str, Any]) -> Changed:
    until, reason = chosen["keep_until"], chosen["reason"]
    return keep_many(
        rows,
        until,
        by=person_of(request),
        reason=reason,
        told=lambda page: log_changes(request, page, f"Kept until {until.isoformat()}. {reason}"),
    )


def _said_revoked(count: int, chosen: dict[str, Any]) -> str:
    del chosen
    return ngettext("%d grant was revoked.", "%d grants were revoked.", count) % count


def _said_extended(count: int, chosen: dict[str, Any]) -> str:
    until = chosen["expires_at"]
    if until is None:
        said = ngettext("%d grant no longer expires.", "%d grants no longer expire.", count)
        return said % count
    text = ngettext(
        "The new end of %(count)d grant: %(until)s",
        "The new end of %(count)d grants: %(until)s",
        count,
    )
    return text % {"count": count, "until": moment(until)}


def _said_kept(count: int, chosen: dict[str, Any]) -> str:
    text = ngettext(
        "Kept until %(until)s: %(count)d grant",
        "Kept until %(until)s: %(count)d grants",
        count,
    )
    return text % {"count": count, "until": moment(chosen["keep_until"])}


REVOKE = Page(
    "revoke",
    gettext_lazy("Revoke access"),
    gettext_lazy(
        "From the next request on, these grants give nothing, even with a token that is still "
        "valid. You cannot undo this. To give the access back, grant it again."
    ),
    gettext_lazy("Revoke"),
    gettext_lazy("revoked"),
    RevokeForm,
    _revoke,
    _said_revoked,
)
EXTEND = Page(
    "extend",
    gettext_lazy("Change when access ends"),
    gettext_lazy("You can set a later or an earlier end. It replaces the present one."),
    gettext_lazy("Change the end"),
    gettext_lazy("changed"),
    ExtendForm,
    _extend,
    _said_extended,
)
KEEP = Page(
    "keep",
    gettext_lazy("Keep grants"),
    gettext_lazy(
        "Until then, nobody is told that they are unused. They give no more than before: they "
        "still expire, and can be revoked."
    ),
    gettext_lazy("Keep"),
    gettext_lazy("kept"),
    KeepSelectedForm,
    _keep,
    _said_kept,
)
