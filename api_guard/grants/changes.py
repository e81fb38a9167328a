"""What a file of grants changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Act(StrEnum):
    """What a change does."""

    GRANT = "grant"
    ASK = "ask"  # for a sensitive scope, which two users have to approve
    MOVE = "move"  # another expiry
    REVOKE = "revoke"
    PIN = "pin"  # what a bundle opens
    UNPIN = "unpin"
    AUTHORIZE = "authorize"
    DEAUTHORIZE = "deauthorize"


REMOVALS = frozenset({Act.REVOKE, Act.DEAUTHORIZE})


@dataclass(frozen=True)
class Change:
    """One difference between the file and the database.

    `scope` is a scope or, for an authority, a group of scopes. `was` and `until` are the expiry
    before and after. For a bundle, `scope` lists its scopes, and `was_scopes` what is pinned.
    `grantee` is the row of the grantee that gets something. `row` is the grant or the authority
    that is changed or removed.
    """

    act: Act
    kind: str
    name: str
    scope: str
    until: datetime | None = None
    was: datetime | None = None
    reason: str = ""
    grantee: Any = field(default=None, compare=False, repr=False)
    row: Any = field(default=None, compare=False, repr=False)
    was_scopes: str = ""

    def __str__(self) -> str:
        if self.kind == "bundle":
            return self._of_bundle()
        return f"{self.act} {self.scope} {_SAID[self.act]} {self.kind} {self.name}{self._moments()}"

    def _of_bundle(self) -> str:
        new, old = set(self.scope.split()), set(self.was_scopes.split())
        if self.act is Act.UNPIN:
            return f"unpin bundle {self.name}: the settings let it open nothing"
        added = [f"+{name}" for name in sorted(new - old)]
        return " ".join([f"pin bundle {self.name}:", *added, *(f"-{n}" for n in sorted(old - new))])

    def as_dict(self) -> dict[str, str | None]:
        """Return it for JSON."""
        return {
            "act": self.act.value,
            self.kind: self.name,
            "scope": self.scope,
            "until": None if self.until is None else self.until.isoformat(),
            "was": None if self.was is None else self.was.isoformat(),
        }

    def _moments(self) -> str:
        until = "" if self.until is None else f" until {self.until:%Y-%m-%d %H:%M %Z}"
        if self.act is not Act.MOVE:
            return until
        was = "no expiry" if self.was is None else f"{self.was:%Y-%m-%d %H:%M %Z}"
        return f"{until or ', no expiry'} (was: {was})"


_SAID = {
    Act.GRANT: "to",
    Act.ASK: "for",
    Act.MOVE: "of",
    Act.REVOKE: "from",
    Act.AUTHORIZE: "to",
    Act.DEAUTHORIZE: "from",
}


@dataclass(frozen=True)
class SyncPlan:
    """The changes that make the database as the file says.

    `extra` are removals that are not asked for: what the named grantees hold besides. `waiting` are
    sensitive scopes that were asked for and are not approved yet.
    """

    digest: str
    changes: tuple[Change, ...]
    extra: tuple[Change, ...]
    waiting: tuple[Change, ...]

    @property
    def is_drift(self) -> bool:
        """Whether the file and the database differ."""
        return bool(self.changes or self.extra or self.waiting)
