"""What the ledger says of one act: what, who and how that is known, to whom, when and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Event(StrEnum):
    """An act that gives access, takes it, or changes who may give it."""

    GRANT = "grant"
    EXTEND = "extend"
    REVOKE = "revoke"
    ADOPT = "adopt"  # a grant that is older than the ledger
    EXPIRE = "expire"  # closed when the same was granted anew
    REQUEST = "request"
    APPROVE = "approve"
    DECLINE = "decline"
    AUTHORIZE = "authorize"  # a group may manage scopes
    DEAUTHORIZE = "deauthorize"
    END_ACCESS = "end_access"  # tokens and codes ended at once
    OVERRIDE = "override"  # another limit in place of the one in code
    END_OVERRIDE = "end_override"
    JOIN_GROUP = "join_group"  # a group that holds grants
    LEAVE_GROUP = "leave_group"
    DELETE = "delete"  # a grant that goes with its grantee
    CLIENT_OWNER = "client_owner"
    CLIENT_REDIRECTS = "client_redirects"
    CLIENT_SECRET = "client_secret"  # noqa: S105  # the name of an act
    MAP_SUBJECT = "map_subject"
    UNMAP_SUBJECT = "unmap_subject"
    RENAME_GROUP = "rename_group"
    REACTIVATE = "reactivate"
    FORGET = "forget"  # what was said of a person is erased
    PRUNE = "prune"  # old records gave way to a checkpoint


class Known(StrEnum):
    """How it is known who acted."""

    AUTHENTICATED = "authenticated"  # the user of the request in which it was done
    CLAIMED = "claimed"  # said on a command line, or in a shell
    SYSTEM = "system"  # code, which names itself
    UNKNOWN = "unknown"  # nobody said


@dataclass(frozen=True)
class Party:
    """A user, a group or a client: `kind`, its primary key as text, and what it is called."""

    kind: str
    pk: str
    name: str


@dataclass(frozen=True)
class Who:
    """Who acted, and how that is known. The party of code has the kind `system` and no key."""

    known: Known
    party: Party
