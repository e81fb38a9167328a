"""Checks changes to a client: its owner, its redirect URIs and its secret."""

from __future__ import annotations

from typing import Any

from api_guard import tokens
from api_guard.access.receivers import judging
from api_guard.access.receivers.judging import note, refuse_to_give
from api_guard.core.ledger import Event
from api_guard.grants.serving import current_user

_REDIRECTS = ("redirect_uris", "post_logout_redirect_uris", "allowed_origins")
_ROTATED = "_api_guard_rotated"


def before_client(sender: Any, instance: Any, **kwargs: Any) -> None:
    """Before a client is saved: check whether others can now use its grants, and record it."""
    del sender
    instance.__dict__.pop(_ROTATED, None)
    fields = kwargs.get("update_fields")
    old = None if kwargs.get("raw") else judging.stored(instance, kwargs.get("using"))
    if old is None:
        return
    changed = {
        name
        for name in ("user", "client_secret", *_REDIRECTS)
        if judging.is_saved(name, fields) and _value(old, name) != _value(instance, name)
    }
    user = current_user()
    is_owned = user is not None and old.user_id == user.pk
    # The owner may change the secret, but nothing else that leads to the client's grants.
    if changed - ({"client_secret"} if is_owned else set()):
        what = f"You may not give the scopes that the client {old} holds."
        refuse_to_give(judging.scopes_held(client=instance.pk), None, what)
    if "user" in changed:
        # Record the new owner as a party: a party can be erased later, facts cannot.
        note(Event.CLIENT_OWNER, instance.user, facts={"client": instance.pk})
    if changed & set(_REDIRECTS):
        facts = {name: _value(instance, name) for name in sorted(changed & set(_REDIRECTS))}
        note(Event.CLIENT_REDIRECTS, instance, facts=facts)
    if "client_secret" in changed:
        note(Event.CLIENT_SECRET, instance)
        instance.__dict__[_ROTATED] = True


def after_client(sender: Any, instance: Any, **kwargs: Any) -> None:
    """After its secret was changed: revoke the tokens that were issued for the old secret."""
    del sender, kwargs
    if instance.__dict__.pop(_ROTATED, False):
        tokens.revoke_tokens(instance, reason="the client's secret was changed")


def _value(client: Any, name: str) -> object:
    return getattr(client, "user_id" if name == "user" else name, None)
