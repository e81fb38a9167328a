"""Checks our own rows when other code writes them, or deletes them with their grantee."""

from __future__ import annotations

from typing import Any

from api_guard.access.receivers import judging
from api_guard.access.receivers.judging import note, refuse_to_give
from api_guard.core.ledger import Event
from api_guard.core.scopes import EVERY_SCOPE
from api_guard.models import (
    GrantApproval,
    GrantAuthority,
    GrantRequest,
    RateOverride,
    ScopeGrant,
    is_recorded,
)

_OLD = "_api_guard_old"


def before_override(sender: Any, instance: RateOverride, **kwargs: Any) -> None:
    """Before an override is saved: check it, and keep the old limit."""
    del sender
    instance.__dict__.pop(_OLD, None)
    if kwargs["raw"]:
        return
    refuse_to_give([EVERY_SCOPE], instance.grantee, "You may not set another limit.")
    instance.__dict__[_OLD] = judging.stored(instance, kwargs["using"])


def after_override(sender: Any, instance: RateOverride, **kwargs: Any) -> None:
    """After an override is saved, in the same transaction: record it as it is stored."""
    del sender
    if kwargs["raw"]:
        return
    old: RateOverride | None = instance.__dict__.pop(_OLD, None)
    row: RateOverride = judging.stored(instance, kwargs["using"])
    facts = {
        "override": row.pk,
        "was": None if old is None else old.limit,
        "limit": row.limit,
        "expires_at": row.expires_at,
    }
    note(Event.OVERRIDE, row.grantee, row.name, row.reason, facts)


def before_end_of_override(sender: Any, instance: RateOverride, **kwargs: Any) -> None:
    """Before an override is deleted: record it."""
    del sender, kwargs
    refuse_to_give([EVERY_SCOPE], None, "You may not remove this limit.")
    note(Event.END_OVERRIDE, instance.grantee, instance.name, facts={"override": instance.pk})


def before_end_of_grant(sender: Any, instance: ScopeGrant, **kwargs: Any) -> None:
    """Before a grant is deleted with its grantee: record that it ends."""
    del sender, kwargs
    if instance.revoked_at is None and not is_recorded():
        note(Event.DELETE, instance.grantee, instance.scope, facts={"grant": instance.pk})


def before_end_of_authority(sender: Any, instance: GrantAuthority, **kwargs: Any) -> None:
    """Before an authority is deleted with its group: record it."""
    del sender, kwargs
    if not is_recorded():
        facts = {"authority": instance.pk}
        note(Event.DEAUTHORIZE, instance.group, instance.scope_group, facts=facts)


def before_end_of_request(sender: Any, instance: GrantRequest, **kwargs: Any) -> None:
    """Before a request is deleted with its grantee: record it."""
    del sender, kwargs
    note(Event.DELETE, instance.grantee, instance.scope, facts={"request": instance.pk})


def before_end_of_approval(sender: Any, instance: GrantApproval, **kwargs: Any) -> None:
    """Before an approval is deleted with its user or its request: record it."""
    del sender, kwargs
    note(Event.DELETE, instance.by, facts={"approval": instance.pk})
