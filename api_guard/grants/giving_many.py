"""Grants several scopes to several grantees in one transaction, with few queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import IntegrityError, models

from api_guard import signals
from api_guard.core.ledger import Event
from api_guard.grants.asking import end_lapsed, open_requests
from api_guard.grants.deadlocks import in_transaction
from api_guard.grants.errors import meanwhile
from api_guard.grants.finding import kind_of
from api_guard.grants.offers import Judged, Offer, Unmade, key_of, rows_for
from api_guard.grants.reading import database, stored
from api_guard.grants.telling import tell_after_commit
from api_guard.grants.who import By, note_many, user_of, who_of
from api_guard.grants.writing import close, report_break_glass
from api_guard.models import GrantRequest, ScopeGrant, recorded

Row = TypeVar("Row", ScopeGrant, GrantRequest)


@dataclass(frozen=True)
class Given:
    """What was granted, what was requested because two users have to approve it, and the rest."""

    granted: tuple[ScopeGrant, ...]
    asked: tuple[GrantRequest, ...]
    unmade: tuple[Unmade, ...]


def grant_many(offer: Offer) -> Given:
    """Grant all that the offer may give, in one transaction. The rest is returned with its error.

    Raises GrantError as `Offer.unmade` does, and `meanwhile` if another process granted the same.
    """
    judged = Judged.of(offer)
    who = who_of(offer.by)

    def make() -> Given:
        if judged.expired:
            close(stored().filter(pk__in=judged.expired, live=1), offer.by, "expired", Event.EXPIRE)
        end_lapsed(judged.lapsed, who)
        made = [_row(ScopeGrant, offer, pair, granted_by=offer.by) for pair in judged.granted]
        for row in made:
            row.is_break_glass = row.user_id is not None and row.user == offer.by
        asked = [_row(GrantRequest, offer, pair, asked_by=offer.by) for pair in judged.asked]
        with recorded():
            stored().bulk_create(made, 500)
            GrantRequest.objects.using(database()).bulk_create(asked, 500)
        _find_keys(made, stored().filter(live=1))
        _find_keys(asked, open_requests())
        for event, name, rows in ((Event.GRANT, "grant", made), (Event.REQUEST, "request", asked)):
            noted = ((_grantee(row), row.scope, _facts(name, row)) for row in rows)
            note_many(event, who, noted, offer.reason)
        for request in asked:
            tell_after_commit(signals.request_made, GrantRequest, request=request)
        return Given(tuple(made), tuple(asked), judged.unmade)

    try:
        given = in_transaction(make)
    except IntegrityError:
        raise meanwhile() from None
    for row in given.granted:
        if row.is_break_glass:
            report_break_glass(row, offer.by)
    return given


def _find_keys(made: Sequence[Row], rows: models.QuerySet[Any]) -> None:
    """Set the primary keys of new rows. Not every database returns those of many."""
    scopes, grantees = {row.scope for row in made}, {_grantee(row) for row in made}
    found = rows_for(scopes, grantees, rows)
    for row in made:
        row.pk = found[key_of(row)].pk


def _row(model: type[Row], offer: Offer, pair: tuple[str, models.Model], **by: By) -> Row:
    scope, grantee = pair
    row = model(scope=scope, reason=offer.reason, expires_at=offer.expires_at)
    setattr(row, kind_of(grantee), grantee)
    for name, said in by.items():
        setattr(row, name, user_of(said))
    return row


def _grantee(row: ScopeGrant | GrantRequest) -> models.Model:
    grantee: Any = getattr(row, row.grantee_kind)
    return grantee  # type: ignore[no-any-return]


def _facts(name: str, row: ScopeGrant | GrantRequest) -> dict[str, object]:
    facts: dict[str, object] = {name: row.pk, "expires_at": row.expires_at}
    if isinstance(row, ScopeGrant) and row.is_break_glass:
        facts["break_glass"] = "yes"
    return facts
