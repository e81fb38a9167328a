"""Who writes a grant: a user, code with a name, or a claimed user."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import models

from api_guard.core.ledger import Event, Known, Party, Who
from api_guard.grants.errors import GrantError
from api_guard.grants.serving import current_request, current_user
from api_guard.ledger import Entry, record, record_many
from api_guard.limits.addresses import address_of


@dataclass(frozen=True)
class System:
    """Code that acts without a user, under a name: `System("migration 0007")`."""

    name: str


@dataclass(frozen=True)
class Claimed:
    """The user, or a name, that a person at a command line or in a shell claims to be.

    The claim is not proved, and no authority is checked: a person with a shell has full access.
    """

    user: models.Model | str


By: TypeAlias = models.Model | System | Claimed
NOBODY = Who(Known.UNKNOWN, Party("system", "", ""))


def user_of(by: By) -> models.Model | None:
    """Return the user who acts, or None for code or a name."""
    said = by.user if isinstance(by, Claimed) else by
    return said if isinstance(said, models.Model) else None


def who_of(by: By) -> Who:
    """Return who acts, for the ledger. Raises GrantError `nobody`."""
    if isinstance(by, System) and by.name.strip():
        return Who(Known.SYSTEM, Party("system", "", by.name))
    if isinstance(by, Claimed) and isinstance(by.user, str) and by.user.strip():
        return Who(Known.CLAIMED, Party("user", "", by.user))
    user = user_of(by)
    if not isinstance(user, get_user_model()) or user.pk is None:
        raise GrantError(
            "nobody",
            f'by={by!r} does not tell who acts. Write by=user, in code by=System("migration '
            '0007"), or in a shell by=Claimed("name").',
        )
    is_serving = not isinstance(by, Claimed) and current_user() == user
    return Who(Known.AUTHENTICATED if is_serving else Known.CLAIMED, party_of(user))


def whoever_is_served() -> Who:
    """Return the user of the current request, or NOBODY."""
    user = current_user()
    return NOBODY if user is None else Who(Known.AUTHENTICATED, party_of(user))


def party_of(grantee: models.Model) -> Party:
    """Return a user, a group or a client, for the ledger."""
    if isinstance(grantee, get_user_model()):
        return Party("user", str(grantee.pk), str(grantee))
    if isinstance(grantee, Group):
        return Party("group", str(grantee.pk), str(grantee))
    return Party("client", str(grantee.pk), str(grantee))


def note(
    event: Event,
    who: Who,
    whom: models.Model | None,
    scope: str = "",
    reason: str = "",
    facts: Mapping[str, object] | None = None,
) -> None:
    """Write a record into the ledger, with the address of the current request."""
    request = current_request()
    record(
        event,
        who=who,
        whom=None if whom is None else party_of(whom),
        scope=scope,
        reason=reason,
        address="" if request is None else address_of(request),
        facts={name: _said(fact) for name, fact in (facts or {}).items()},
    )


def note_many(
    event: Event,
    who: Who,
    noted: Iterable[tuple[models.Model, str, Mapping[str, object]]],
    reason: str = "",
) -> None:
    """Write a record of each grantee, scope and facts, as `note` does, with few statements."""
    request = current_request()
    entries = (
        Entry(party_of(whom), scope, {name: _said(fact) for name, fact in facts.items()})
        for whom, scope, facts in noted
    )
    address = "" if request is None else address_of(request)
    record_many(event, entries, who=who, reason=reason, address=address)


def note_end_of_access(grantee: models.Model, tokens: int, *, by: By, reason: str = "") -> None:
    """Record how many tokens of a user or a client were revoked, in the same transaction."""
    note(Event.END_ACCESS, who_of(by), grantee, reason=reason, facts={"tokens": tokens})


def _said(fact: object) -> str | None:
    if fact is None:
        return None
    return fact.isoformat() if isinstance(fact, datetime) else str(fact)
