"""Rows of our own that other hands write or delete: overrides, and what goes with its grantee."""

from __future__ import annotations

from typing import Any

from api_guard.access.receivers import judging
from api_guard.access.receivers.judging import note, refuse_to_give
from api_guard.core.ledger import Event
from api_guard.core.scopes import EVERY_SCOPE
from api_guard.models import GrantAuthority, RateOverride, ScopeGrant, is_recorded


def before_override(sender: Any, instance: RateOverride, **kwargs: Any) -> None:
    """Before an override is saved: judge it, and record it."""
    del sender
    if kwargs["raw"]:
        return
    refuse_to_give([EVERY_SCOPE], instance.grantee, "You may not give another limit.")
    old = judging.stored(instance, kwargs["using"])
    facts = {
        "was": None if old is None else old.limit,
        "limit": instance.limit,
        "expires_at": instance.expires_at,
    }
    note(Event.OVERRIDE, instance.grantee, instance.name, instance.reason, facts)


def before_end_of_override(sender: Any, instance: RateOverride, **kwargs: Any) -> None:
    """Before an override is deleted: record it."""
    del sender, kwargs
    refuse_to_give([EVERY_SCOPE], None, "You may not take another limit away.")
    note(Event.END_OVERRIDE, instance.grantee, instance.name)


def before_end_of_grant(sender: Any, instance: ScopeGrant, **kwargs: Any) -> None:
    """Before a grant goes with its grantee: record what ends with it."""
    del sender, kwargs
    if instance.revoked_at is None and not is_recorded():
        note(Event.DELETE, instance.grantee, instance.scope, facts={"grant": instance.pk})


def before_end_of_authority(sender: Any, instance: GrantAuthority, **kwargs: Any) -> None:
    """Before an authority goes with its group: record it."""
    del sender, kwargs
    if not is_recorded():
        note(Event.DEAUTHORIZE, instance.group, instance.scope_group)
