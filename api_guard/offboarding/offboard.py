"""Ends everything that one user can do, in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from django.db import models, router, transaction
from django.utils.translation import gettext_noop as _

from api_guard import grants, tokens
from api_guard.models import ScopeGrant
from api_guard.offboarding.listing import Leaving, flags_of, leaving

logger = logging.getLogger("api_guard.grants")

_MOST_TRIES = 3


def offboard(
    user: models.Model,
    *,
    by: grants.By,
    reason: str = "",
    new_owner: models.Model | None = None,
    new_owners: Mapping[str, models.Model] | None = None,
) -> Leaving:
    """End all access of `user`, and return what there was. The next request is refused.

    It revokes grants, tokens and codes, removes the user from groups that give access, declines
    open requests, removes rate overrides and remote subjects, and deactivates the account without
    a password, so that all sessions end. The clients that the user owns get `new_owner`, or the
    one that `new_owners` has for their `client_id`: the user may still know their secrets.

    Raises GrantError, and then nothing was changed: `no_authority` if `by` may not grant every
    scope, or is no superuser and `user` is one; `no_owner` if a client would have no new owner;
    `no_client` if `user` does not own a client of `new_owners`; `no_grantee` if `user` was
    deleted; `nobody`, or the code of an invalid reason.
    """
    grants.refuse_reason(reason)
    grants.who_of(by)
    said = _("You may not end all access of %(name)s.")
    grants.refuse_without_any(by, said, {"name": user})
    if _is_superuser(user) and isinstance(by, models.Model) and not _is_superuser(by):
        said = _("Only a superuser may offboard a superuser.")
        raise grants.GrantError("no_authority", said)
    for _try in range(_MOST_TRIES):
        try:
            return _ended(user, by, reason, new_owner, new_owners or {})
        except grants.GrantError as error:
            # Somebody has decided a request meanwhile, and may have granted it: look again.
            if error.code != "closed":
                raise
            closed = error
    raise closed


def _ended(
    user: models.Model,
    by: grants.By,
    reason: str,
    new_owner: models.Model | None,
    new_owners: Mapping[str, models.Model],
) -> Leaving:
    with ExitStack() as transactions:
        for alias in dict.fromkeys(_databases(user)):
            transactions.enter_context(transaction.atomic(using=alias))
        _refuse_gone(user)
        had = leaving(user)
        owners = _owners(had, new_owner, new_owners)
        # First, as an approval takes first a request and then a grant: neither waits for the other.
        for row in had.requests:
            grants.decline(row, by=by, reason=reason)
        ended = tokens.revoke_tokens(user, reason=reason)
        # A token that was issued meanwhile ends with the account.
        _deactivate(user)
        for client, owner in owners:
            client.user = owner
            client.save(update_fields=["user"])
        count = grants.revoke_all(user, by=by, reason=reason)
        for each in (*had.overrides, *had.subjects):
            each.delete()
        account: Any = user
        if had.groups:
            account.groups.remove(*had.groups)
        grants.note_end_of_access(user, ended, by=by, reason=reason)
    logger.info("%s was offboarded: %d grants, %d tokens. %s", user, count, ended, reason)
    return had


def _owners(
    had: Leaving, new_owner: models.Model | None, new_owners: Mapping[str, models.Model]
) -> list[tuple[Any, models.Model]]:
    unknown = sorted(new_owners.keys() - {client.client_id for client in had.clients})
    if unknown:
        said = _("%(name)s does not own the client %(client)r.")
        names = {"name": had.user, "client": unknown[0]}
        raise grants.GrantError("no_client", said, names)
    found = []
    for client in had.clients:
        owner = new_owners.get(client.client_id, new_owner)
        if owner is None or owner == had.user or getattr(owner, "is_active", False) is not True:
            raise grants.GrantError(
                "no_owner",
                _("The client %(client)s needs a new owner who is active."),
                {"client": client.client_id},
            )
        found.append((client, owner))
    return found


def _refuse_gone(user: models.Model) -> None:
    rows = type(user)._base_manager.using(router.db_for_write(type(user)))
    if not rows.filter(pk=user.pk).exists():
        raise grants.GrantError("no_grantee", _("The user %(name)s was deleted."), {"name": user})


def _is_superuser(user: models.Model) -> bool:
    return getattr(user, "is_superuser", False) is True


def _deactivate(user: models.Model) -> None:
    """Take the password and the flags away. Each session ends, because it depends on them."""
    account: Any = user
    flags = flags_of(user)
    for name in flags:
        setattr(account, name, False)
    account.set_unusable_password()
    account.save(update_fields=["password", *flags])


def _databases(user: models.Model) -> list[str]:
    client: Any = ScopeGrant._meta.get_field("client").related_model
    models_written = (type(user), client)
    return [
        grants.database(),
        tokens.database(),
        *(router.db_for_write(model) for model in models_written),
    ]
