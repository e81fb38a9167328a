"""Lets the members of a Django group grant and revoke a group of scopes."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_noop as _

from api_guard.core.ledger import Event
from api_guard.grants.authority import authorities, refuse_without_any
from api_guard.grants.deadlocks import in_transaction
from api_guard.grants.errors import GrantError, from_validation, refuse_reason
from api_guard.grants.reading import database
from api_guard.grants.who import By, note, who_of
from api_guard.models import GrantAuthority, recorded


def authorize(group: Group, scope_group: str, *, by: By, reason: str = "") -> GrantAuthority:
    """Let the members of `group` grant and revoke the scopes of `scope_group`, or all (`*`).

    `by` needs the permission `api_guard.grant_any_scope`. Raises GrantError: `no_authority`,
    `unknown_scope_group`, `already_authorized`, `nobody`, or the code of an invalid reason.
    """
    refuse_reason(reason)
    who = who_of(by)
    refuse_without_any(by, _("You may not decide who manages which scopes."))

    def make() -> GrantAuthority:
        row = GrantAuthority(group=group, scope_group=scope_group, reason=reason)
        with recorded():
            row.save(using=database())
        note(Event.AUTHORIZE, who, group, scope_group, reason, {"authority": row.pk})
        return row

    try:
        return in_transaction(make)
    except ValidationError as error:
        raise from_validation(error) from None


def deauthorize(row: GrantAuthority, *, by: By, reason: str = "") -> None:
    """Take an authority back: from the next request on, the members cannot use it.

    Their existing grants stay. Raises GrantError: `no_authority`, `not_authorized`, `nobody`, or
    the code of an invalid reason.
    """
    refuse_reason(reason)
    who = who_of(by)
    refuse_without_any(by, _("You may not decide who manages which scopes."))

    def drop() -> bool:
        with recorded():
            count, _each = authorities().filter(pk=row.pk).delete()
        if count:
            facts = {"authority": row.pk}
            note(Event.DEAUTHORIZE, who, row.group, row.scope_group, reason, facts)
        return bool(count)

    if not in_transaction(drop):
        raise GrantError(
            "not_authorized", _("This authority does not exist: %(row)s."), {"row": row}
        )
