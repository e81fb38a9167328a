"""Acknowledges that a grant is kept until a date, although it is not used."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext_noop as _

from api_guard.core.ledger import Event
from api_guard.grants.authority import refuse_own, refuse_without_authority
from api_guard.grants.deadlocks import in_transaction
from api_guard.grants.errors import GrantError, refuse_reason
from api_guard.grants.finding import grantee_of, while_it_exists
from api_guard.grants.reading import get, stored
from api_guard.grants.who import By, note, who_of
from api_guard.models import ScopeGrant, is_past, recorded


@while_it_exists
def keep(row: ScopeGrant, *, until: datetime | None, by: By, reason: str = "") -> ScopeGrant:
    """Acknowledge a live grant until a date: `unused` does not list it before. None ends this.

    It gives no access: the grant still expires and can be revoked. Raises GrantError:
    `no_authority`, `own_grant`, `already_revoked`, `expired`, `past`, `nobody`, or the code of an
    invalid reason.
    """
    refuse_reason(reason)
    who = who_of(by)
    grantee = grantee_of(get(row.pk))
    refuse_without_authority(by, row.scope, grantee)
    refuse_own(by, grantee)
    now = timezone.now()
    if until is not None and is_past(until, now):
        raise GrantError("past", _("The date %(moment)s is in the past."), {"moment": until})

    def write() -> None:
        found = stored().select_for_update().get(pk=row.pk)
        if found.revoked_at is not None:
            said = _("%(grant)s was revoked at %(moment)s.")
            names = {"grant": found, "moment": found.revoked_at}
            raise GrantError("already_revoked", said, names)
        if not found.is_live(now):
            said = _("%(grant)s expired at %(moment)s.")
            raise GrantError("expired", said, {"grant": found, "moment": found.expires_at})
        with recorded():
            stored().filter(pk=row.pk).update(kept_until=until)
        facts = {"grant": row.pk, "was": found.kept_until, "kept_until": until}
        note(Event.KEEP, who, grantee, found.scope, reason, facts)

    in_transaction(write)
    row.refresh_from_db()
    return row
