"""What the pages of clients show of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin.sites import AdminSite
from django.http import HttpRequest

from api_guard import grants, ledger, tokens
from api_guard.admin.finding import Found, as_found
from api_guard.admin.grantees import display_name
from api_guard.admin.viewing import client_url, viewer_of
from api_guard.core.ledger import Event
from api_guard.core.records import key_of_party


@dataclass(frozen=True)
class Line:
    """A client. `changed_at` is when its secret was last changed, if the ledger knows."""

    row: Any
    name: str
    url: str
    owner: Found | None
    has_secret: bool
    changed_at: datetime | None
    grants: int
    share: tokens.Share

    @property
    def kind(self) -> Any:
        """Confidential or public, in the words of the toolkit."""
        return self.row.get_client_type_display()

    @property
    def flow(self) -> Any:
        """How it gets tokens, in the words of the toolkit."""
        return self.row.get_authorization_grant_type_display()


def lines_of(site: AdminSite, request: HttpRequest, rows: Sequence[Any]) -> list[Line]:
    """Describe some clients, with three queries for all of them."""
    keys = [row.pk for row in rows]
    by_mail = viewer_of(request).sees_all
    counts = grants.count_own("client", keys)
    shares = tokens.alive_of_clients(keys)
    parties = [key_of_party("client", str(key)) for key in keys]
    changed = ledger.last_recorded(Event.CLIENT_SECRET, parties)
    return [
        Line(
            row,
            described(row),
            client_url(site, row.pk),
            None if row.user is None else as_found("user", row.user, by_mail=by_mail),
            row.client_type == row.CLIENT_CONFIDENTIAL and bool(row.client_secret),
            changed.get(party),
            counts.get(row.pk, 0),
            shares.get(row.pk, tokens.Share()),
        )
        for row, party in zip(rows, parties, strict=True)
    ]


def described(client: Any) -> str:
    """Return the name of a client, or its client id if it has none."""
    return display_name(client) or str(client.client_id)
