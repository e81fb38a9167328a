"""Who writes a grant: a user, code that names itself, or whom somebody claims to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import models

from api_guard.core.ledger import Event, Known, Party, Who
from api_guard.grants.errors import GrantError
from api_guard.grants.serving import current_request, current_user
from api_guard.ledger import record
from api_guard.limits.addresses import address_of


@dataclass(frozen=True)
class System:
    """Code that acts by itself, under a name: `System("migration 0007")`."""

    name: str


@dataclass(frozen=True)
class Claimed:
    """Whom the person at a command line or a shell says to be, a user or a name.

    Nothing proves it, and so no authority of that user's is asked for: who has a shell has it all.
    """

    user: models.Model | str


By: TypeAlias = models.Model | System | Claimed
NOBODY = Who(Known.UNKNOWN, Party("system", "", ""))


def user_of(by: By) -> models.Model | None:
    """Return the user who acts, None for code and for a mere name."""
    said = by.user if isinstance(by, Claimed) else by
    return said if isinstance(said, models.Model) else None


def who_of(by: By) -> Who:
    """Return who acts, as the ledger says it. Raises GrantError `nobody`."""
    if isinstance(by, System) and by.name.strip():
        return Who(Known.SYSTEM, Party("system", "", by.name))
    if isinstance(by, Claimed) and isinstance(by.user, str) and by.user.strip():
        return Who(Known.CLAIMED, Party("user", "", by.user))
    user = user_of(by)
    if not isinstance(user, get_user_model()) or user.pk is None:
        raise GrantError(
            "nobody",
            f'{by!r} is nobody who can answer for it: write by=user, by=System("what it is") for '
            'code, or by=Claimed("name") in a shell.',
        )
    is_serving = not isinstance(by, Claimed) and current_user() == user
    return Who(Known.AUTHENTICATED if is_serving else Known.CLAIMED, party_of(user))


def whoever_is_served() -> Who:
    """Return who acts where nothing says so: the user of the request, if there is one."""
    user = current_user()
    return NOBODY if user is None else Who(Known.AUTHENTICATED, party_of(user))


def party_of(grantee: models.Model) -> Party:
    """Return a user, a group or a client as the ledger says it."""
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
    """Write a record of what is done now, for the request that is being served."""
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


def note_end_of_access(grantee: models.Model, tokens: int, *, by: By, reason: str = "") -> None:
    """Record that so many tokens of a user or a client ended, in the transaction that ends them."""
    note(Event.END_ACCESS, who_of(by), grantee, reason=reason, facts={"tokens": tokens})


def _said(fact: object) -> str | None:
    if fact is None:
        return None
    return fact.isoformat() if isinstance(fact, datetime) else str(fact)
