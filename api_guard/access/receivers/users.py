"""Checks users who become active again, and mappings of another server's subjects to users."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.db import models

from api_guard import grants
from api_guard.access.receivers import judging
from api_guard.access.receivers.judging import note, refuse_to_give, refuse_without_any
from api_guard.core.ledger import Event
from api_guard.models import RemoteSubject

_OLD = "_api_guard_old"


def before_user(sender: Any, instance: Any, **kwargs: Any) -> None:
    """Before a user is saved: check whether an inactive user becomes active again."""
    del sender
    if not isinstance(instance, get_user_model()) or kwargs.get("raw"):
        return
    # A column that was not loaded is not saved, so do not load it here.
    if not judging.is_saved("is_active", kwargs.get("update_fields")):
        return
    if not getattr(instance, "is_active", False):
        return
    old = judging.stored(instance, kwargs.get("using"))
    if old is None or getattr(old, "is_active", True):
        return
    held = grants.holdings(instance, grants.live_keys(instance))
    is_manager = grants.manages(instance)
    # What everyone has comes with being active, as it does for a new user.
    given = sorted({each.scope for each in held if each.through != "everyone"})
    refuse_to_give(given, None, f"You may not give the scopes that {old} holds.")
    if is_manager:
        refuse_without_any(f"{old} manages scopes, and you may not choose who does.")
    if held or is_manager:
        note(Event.REACTIVATE, instance)


def before_subject(sender: Any, instance: RemoteSubject, **kwargs: Any) -> None:
    """Before a mapping is saved: check it, and keep the old one."""
    del sender
    instance.__dict__.pop(_OLD, None)
    if kwargs["raw"]:
        return
    old = judging.stored(instance, kwargs["using"])
    instance.__dict__[_OLD] = old
    if old is None or _key(old) != _key(instance):
        user: models.Model = instance.user
        refuse_to_give(_scopes_of(user), user, f"You may not give the scopes that {user} holds.")


def after_subject(sender: Any, instance: RemoteSubject, **kwargs: Any) -> None:
    """After a mapping is saved, in the same transaction: record it as it is stored."""
    del sender
    if kwargs["raw"]:
        return
    old: RemoteSubject | None = instance.__dict__.pop(_OLD, None)
    row: RemoteSubject = judging.stored(instance, kwargs["using"])
    if old is not None and _key(old) == _key(row):
        return
    if old is not None:
        # Without the fact `subject`: the row continues.
        note(Event.UNMAP_SUBJECT, old.user, reason=str(old))
    note(Event.MAP_SUBJECT, row.user, reason=str(row), facts={"subject": row.pk})


def before_end_of_subject(sender: Any, instance: RemoteSubject, **kwargs: Any) -> None:
    """Before a mapping is deleted: record it."""
    del sender, kwargs
    facts = {"subject": instance.pk}
    note(Event.UNMAP_SUBJECT, instance.user, reason=str(instance), facts=facts)


def _key(row: RemoteSubject) -> tuple[str, str, object]:
    return row.issuer, row.subject, row.user_id


def _scopes_of(user: models.Model) -> frozenset[str]:
    return grants.granted(user, None)[0].user or frozenset()
