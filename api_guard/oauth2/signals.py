"""Revokes tokens when their user is changed or their client is deleted."""

from __future__ import annotations

import time
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import get_hasher, identify_hasher
from django.db import router
from django.db.models import Model
from django.http import HttpRequest
from oauth2_provider.models import get_application_model, get_device_grant_model

from api_guard import tokens
from api_guard.oauth2.parameters import SIGNED_IN_AT

_REASON = "_api_guard_revoke"


def remember_change(sender: type[Model], instance: Any, **kwargs: Any) -> None:
    """Before a user is saved, note if its password changes or it is deactivated."""
    fields = kwargs.get("update_fields")
    if not isinstance(instance, get_user_model()) or instance._state.adding or kwargs.get("raw"):
        return
    instance.__dict__.pop(_REASON, None)
    if fields is not None and not fields & {"password", "is_active"}:
        return
    using = kwargs.get("using") or router.db_for_write(sender, instance=instance)
    stored: Any = sender._base_manager.using(using).filter(pk=instance.pk).first()
    if stored is None:
        return
    if getattr(stored, "is_active", True) and not getattr(instance, "is_active", True):
        instance.__dict__[_REASON] = "the user was deactivated"
    elif _is_new_password(getattr(stored, "password", None), instance, fields):
        instance.__dict__[_REASON] = "the password was changed"


def revoke_after_change(sender: type[Model], instance: Any, **kwargs: Any) -> None:
    """After the user is saved, revoke all its tokens."""
    del sender, kwargs
    reason = instance.__dict__.pop(_REASON, None)
    if reason is not None:
        tokens.revoke_tokens(instance, reason=reason)


def remember_sign_in(sender: object, request: HttpRequest, **kwargs: Any) -> None:
    """Store the time of the sign-in in the session, for `max_age`."""
    del sender, kwargs
    session = getattr(request, "session", None)
    if session is not None:
        session[SIGNED_IN_AT] = time.time()


def client_model() -> type[Model]:
    """Return the model of OAuth clients."""
    model: type[Model] = get_application_model()
    return model


def forget_device_codes(sender: type[Model], instance: Any, **kwargs: Any) -> None:
    """Delete the device codes of a deleted client. The database deletes its tokens."""
    del sender, kwargs
    get_device_grant_model()._base_manager.filter(client_id=instance.client_id).delete()


def _is_new_password(stored: str | None, user: Any, fields: frozenset[str] | None) -> bool:
    if getattr(user, "password", None) == stored:
        return False
    # At a sign-in, Django hashes the same password again if the hasher is stronger now. It saves
    # only this field, after it has cleared the raw password.
    forgot = user.__dict__.get("_password", "") is None
    is_by_itself = fields == frozenset({"password"}) and forgot
    return not (is_by_itself and stored is not None and _is_outdated(stored))


def _is_outdated(encoded: str) -> bool:
    try:
        hasher = identify_hasher(encoded)
    except ValueError:
        return False
    return hasher.algorithm != get_hasher("default").algorithm or hasher.must_update(encoded)
