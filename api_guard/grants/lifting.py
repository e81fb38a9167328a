"""Lifts blocks of failed credentials, with a record: a block slows down whoever guesses."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.db import models, transaction
from django.utils.translation import gettext_noop as _

from api_guard.core.ledger import Event, Party, Who
from api_guard.grants.authority import refuse
from api_guard.grants.errors import GrantError, refuse_reason
from api_guard.grants.reading import database
from api_guard.grants.serving import current_request
from api_guard.grants.who import By, Claimed, System, who_of
from api_guard.ledger import record
from api_guard.limits import credentials
from api_guard.limits.addresses import address_of
from api_guard.limits.credentials import Block

LIFT = "api_guard.lift_block"


def may_lift(user: models.Model) -> bool:
    """Whether a user may lift blocks."""
    has_perm: Any = getattr(user, "has_perm", None)
    return getattr(user, "is_active", False) is True and bool(has_perm and has_perm(LIFT))


def lift_block(block: Block, *, by: By, reason: str = "") -> None:
    """Reset the count of a block, and record it.

    `by` needs the permission `api_guard.lift_block`. Raises GrantError: `no_authority`, `no_block`,
    `nobody`, or the code of an invalid reason; and CounterFault.
    """
    refuse_reason(reason)
    who = who_of(by)
    if not isinstance(by, (System, Claimed)) and not may_lift(by):
        refuse(by, _("You may not lift blocks."))
    with transaction.atomic(using=database()):
        _note(block, who, reason)
        # Last: a failure before it changes nothing, and a failure here undoes the record.
        if not credentials.release(block):
            raise GrantError("no_block", _("This block has already ended."))


def _note(block: Block, who: Who, reason: str) -> None:
    request = current_request()
    record(
        Event.LIFT_BLOCK,
        who=who,
        whom=_party_of(block),
        reason=reason,
        address="" if request is None else address_of(request),
        facts={
            "kind": block.kind,
            "rate": block.rate,
            "since": block.since.isoformat(),
            "until": block.until.isoformat(),
        },
    )


def _party_of(block: Block) -> Party:
    """Return who is blocked. The name and the address can be erased with the user."""
    kind, _colon, name = block.account.partition(":")
    if not name:
        return Party("address", "", block.address)
    said = f"{name} at {block.address}" if block.address else name
    return Party(kind, _key(name) if kind == "user" else "", said)


def _key(name: str) -> str:
    """Return the primary key of the only user with this name, in any case; "" for anything else."""
    model: Any = get_user_model()
    rows = model._default_manager.using(database())
    found = rows.filter(**{f"{model.USERNAME_FIELD}__iexact": name}).values_list("pk", flat=True)
    keys = list(found[:2])
    return str(keys[0]) if len(keys) == 1 else ""
