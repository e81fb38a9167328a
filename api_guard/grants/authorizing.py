"""Says which groups of scopes the members of a Django group may give and take."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError

from api_guard.core.ledger import Event
from api_guard.grants.authority import authorities, refuse_without_any
from api_guard.grants.deadlocks import in_transaction
from api_guard.grants.errors import GrantError, from_validation, refuse_reason
from api_guard.grants.reading import database
from api_guard.grants.who import By, note, who_of
from api_guard.models import GrantAuthority, recorded


def authorize(group: Group, scope_group: str, *, by: By, reason: str = "") -> GrantAuthority:
    """Let the members of `group` give and take the scopes of `scope_group`, or all of them (`*`).

    `by` holds the permission `api_guard.grant_any_scope`. Raises GrantError: `no_authority`,
    `unknown_scope_group`, `already_authorized`, `nobody`, or why the reason cannot be kept.
    """
    refuse_reason(reason)
    who = who_of(by)
    refuse_without_any(by, "say who manages which scopes")

    def make() -> GrantAuthority:
        row = GrantAuthority(group=group, scope_group=scope_group, reason=reason)
        with recorded():
            row.save(using=database())
        note(Event.AUTHORIZE, who, group, scope_group, reason)
        return row

    try:
        return in_transaction(make)
    except ValidationError as error:
        raise from_validation(error) from None


def deauthorize(row: GrantAuthority, *, by: By, reason: str = "") -> None:
    """Take it back: from the next request on, these members give and take those scopes no more.

    What they gave stays. Raises GrantError: `no_authority`, `not_authorized`, `nobody`, or why the
    reason cannot be kept.
    """
    refuse_reason(reason)
    who = who_of(by)
    refuse_without_any(by, "say who manages which scopes")

    def drop() -> bool:
        with recorded():
            count, _each = authorities().filter(pk=row.pk).delete()
        if count:
            note(Event.DEAUTHORIZE, who, row.group, row.scope_group, reason)
        return bool(count)

    if not in_transaction(drop):
        raise GrantError("not_authorized", f"{row} no more.")
