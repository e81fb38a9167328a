"""A user who comes back, and whom another server's subject is taken for."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.db import models

from api_guard import grants
from api_guard.access.receivers import judging
from api_guard.access.receivers.judging import note, refuse_to_give, refuse_without_any
from api_guard.core.ledger import Event
from api_guard.models import RemoteSubject


def before_user(sender: Any, instance: Any, **kwargs: Any) -> None:
    """Before a user is saved: judge whether an inactive one is to be active again."""
    del sender
    if not isinstance(instance, get_user_model()) or kwargs["raw"]:
        return
    # A column that was not read is not saved, and is not read here.
    if not judging.is_saved("is_active", kwargs["update_fields"]):
        return
    if not getattr(instance, "is_active", False):
        return
    old = judging.stored(instance, kwargs["using"])
    if old is None or old.is_active:
        return
    scopes, is_manager = _scopes_of(instance), grants.manages(instance)
    refuse_to_give(scopes, None, f"You may not give what {old} holds.")
    if is_manager:
        refuse_without_any(f"You may not say who manages scopes, as {old} does.")
    if scopes or is_manager:
        note(Event.REACTIVATE, instance)


def before_subject(sender: Any, instance: RemoteSubject, **kwargs: Any) -> None:
    """Before a mapping is saved: judge it, and record it."""
    del sender
    if kwargs["raw"]:
        return
    old = judging.stored(instance, kwargs["using"])
    key = ("issuer", "subject", "user_id")
    if old is not None and all(getattr(old, name) == getattr(instance, name) for name in key):
        return
    user: models.Model = instance.user
    refuse_to_give(_scopes_of(user), user, f"You may not give what {user} holds.")
    if old is not None:
        note(Event.UNMAP_SUBJECT, old.user, reason=str(old))
    note(Event.MAP_SUBJECT, user, reason=str(instance))


def before_end_of_subject(sender: Any, instance: RemoteSubject, **kwargs: Any) -> None:
    """Before a mapping is deleted: record it."""
    del sender, kwargs
    note(Event.UNMAP_SUBJECT, instance.user, reason=str(instance))


def _scopes_of(user: models.Model) -> frozenset[str]:
    return grants.granted(user, None)[0].user or frozenset()
