"""Refuses an action that gives scopes if the user of the request may not give them.

Without a signed-in user the action is only recorded. This happens, for example, in a job that
imports memberships from a directory: a signal does not name a user, and an import must not break.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import models, transaction

from api_guard import grants
from api_guard.access.vetting.databases import written_to
from api_guard.core.ledger import Event
from api_guard.grants.serving import current_user

logger = logging.getLogger("api_guard.grants")


def scopes_held(**grantee: object) -> list[str]:
    """Return the scopes of the live grants that match, such as `group__in=pks`."""
    rows = grants.live().filter(**grantee).order_by()
    return sorted(set(rows.values_list("scope", flat=True)))


def refuse_to_give(scopes: Iterable[str], to: models.Model | None, what: str) -> None:
    """Raise PermissionDenied if the request's user may not give all of these scopes.

    `to` gets the scopes. A user who gives scopes to itself needs the right to give every scope.
    """
    user = current_user()
    scopes = list(scopes)
    if user is None or not scopes or grants.may_give_any(user):
        return
    if to == user or not all(grants.may_manage(user, scope) for scope in scopes):
        refuse(what)


def refuse_without_any(what: str) -> None:
    """Raise PermissionDenied if the request's user may not give every scope."""
    user = current_user()
    if user is not None and not grants.may_give_any(user):
        refuse(what)


def refuse(what: str) -> None:
    """Raise PermissionDenied, and log it."""
    user: Any = current_user()
    logger.warning("Refused to user %s: %s", None if user is None else user.pk, what)
    raise PermissionDenied(what)


def note(
    event: Event,
    whom: models.Model | None,
    scope: str = "",
    reason: str = "",
    facts: Mapping[str, object] | None = None,
) -> None:
    """Record the action for the request's user, or for an unknown user.

    Do this before the action: Django reports a save only after it, and an action that cannot be
    recorded must not happen.
    """
    with transaction.atomic(using=grants.database()):
        grants.note(event, grants.whoever_is_served(), whom, scope, reason, facts)


def stored(instance: models.Model, using: str | None) -> Any:
    """Return the stored row before it is saved again; None if the row is new.

    An instance that is made with the primary key of a row overwrites that row, for example
    `User(pk=1, ...).save()`. If the key has a default, Django inserts instead and does not
    overwrite.
    """
    key = instance._meta.pk
    is_made = key.has_default() or key.has_db_default()
    if instance.pk is None or (instance._state.adding and is_made):
        return None
    return (
        type(instance)
        ._base_manager.using(written_to(instance, using))
        .filter(pk=instance.pk)
        .first()
    )


def is_saved(name: str, update_fields: Iterable[str] | None) -> bool:
    """Whether this save writes the field."""
    return update_fields is None or name in set(update_fields)
