"""The lines of the list of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin.sites import AdminSite
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from api_guard import conf, ledger
from api_guard.admin.ledger.wording import (
    Fact,
    content_of,
    event_in_words,
    facts_of,
    known_in_words,
    moment_of,
)
from api_guard.admin.rate_words import rates_in_words
from api_guard.admin.viewing import access_url, may_see, scope_url
from api_guard.core.ledger import Event
from api_guard.core.records import Detail
from api_guard.models import GRANTEES, Access, LedgerRecord, Scope

_RATES = frozenset({Event.OVERRIDE, Event.END_OVERRIDE, Event.ADOPT})


@dataclass(frozen=True)
class Name:
    """Who acted or who got something. `url` leads to the access page, if the viewer may see it."""

    text: str
    key: str = ""
    url: str = ""
    is_erased: bool = False


@dataclass(frozen=True)
class Line:
    """A record in words. `rate` stands for the name of a rate, if the record is about one."""

    url: str
    number: int | None
    at: datetime | None
    written_at: str
    what: Any
    scope: str
    scope_url: str
    rate: str
    facts: tuple[Fact, ...]
    who: Name
    known: Any
    whom: Name
    reason: Name
    address: Name


def lines_of(site: AdminSite, request: HttpRequest, rows: Sequence[LedgerRecord]) -> list[Line]:
    """Describe some records. One query reads the details of all of them."""
    found = ledger.details([row.pk for row in rows])
    sees_access, sees_scopes = may_see(site, request, Access), may_see(site, request, Scope)
    declared = conf.scope_terms()
    rates = rates_in_words() if _RATES & {row.event for row in rows} else {}
    lines = []
    for row in rows:
        content = content_of(row.content)
        of = {detail.part: detail for detail in found.get(row.pk, [])}
        scope = str(content.get("scope") or "")
        lines.append(
            Line(
                reverse(f"{site.name}:api_guard_ledgerrecord_change", args=(row.pk,)),
                row.sequence,
                moment_of(row.at),
                row.at,
                event_in_words(row.event),
                scope,
                scope_url(site, scope) if scope in declared and sees_scopes else "",
                rates[scope].where if row.event in _RATES and scope in rates else "",
                tuple(facts_of(row.event, content)),
                _name(site, of.get("who"), sees_access),
                known_in_words(str(content.get("known", ""))),
                _name(site, of.get("whom"), sees_access),
                _name(site, of.get("reason"), False),
                _name(site, of.get("address"), False),
            )
        )
    return lines


def detail_of(row: LedgerRecord, part: str) -> str:
    """Return a part of a record that can be erased, in words."""
    found: list[Detail] | None = getattr(row, "_api_guard_details", None)
    if found is None:
        found = ledger.details([row.pk]).get(row.pk, [])
        row._api_guard_details = found  # type: ignore[attr-defined]  # kept for the other parts
    for detail in found:
        if detail.part == part:
            said = f"{detail.text} ({detail.key})" if detail.key else detail.text
            return _("erased") if detail.forgotten else said
    return ""


def _name(site: AdminSite, detail: Detail | None, is_linked: bool) -> Name:
    if detail is None:
        return Name("")
    if detail.forgotten:
        return Name(_("erased"), is_erased=True)
    kind, _colon, key = detail.key.partition(":")
    is_linked = is_linked and kind in GRANTEES and bool(key)
    return Name(detail.text, detail.key, access_url(site, kind, key) if is_linked else "")
