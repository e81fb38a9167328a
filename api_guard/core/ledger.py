"""The parts of a ledger record: the event, who acted, and how the ledger knows it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Event(StrEnum):
    """An event that grants or ends access, or changes who may grant it."""

    GRANT = "grant"
    EXTEND = "extend"
    REVOKE = "revoke"
    KEEP = "keep"  # acknowledged until a date, although it is not used
    ADOPT = "adopt"  # a grant that is older than the ledger
    EXPIRE = "expire"  # closed because the same scope was granted, or asked for, again
    REQUEST = "request"
    APPROVE = "approve"
    DECLINE = "decline"
    WITHDRAW = "withdraw"  # of a request, by the user who asked
    AUTHORIZE = "authorize"  # a group may manage scopes
    DEAUTHORIZE = "deauthorize"
    END_ACCESS = "end_access"  # all tokens and codes were revoked
    OVERRIDE = "override"  # replaces the limit in code
    END_OVERRIDE = "end_override"
    JOIN_GROUP = "join_group"  # a group that holds grants
    LEAVE_GROUP = "leave_group"
    DELETE = "delete"  # a grant that was deleted with its grantee
    CLIENT_OWNER = "client_owner"
    CLIENT_REDIRECTS = "client_redirects"
    CLIENT_SECRET = "client_secret"  # noqa: S105  # the name of an event
    MAP_SUBJECT = "map_subject"
    UNMAP_SUBJECT = "unmap_subject"
    RENAME_GROUP = "rename_group"
    REACTIVATE = "reactivate"
    OPEN_REVIEW = "open_review"
    REVIEW = "review"  # a decision about one grant
    CLOSE_REVIEW = "close_review"
    PIN_BUNDLE = "pin_bundle"  # what a bundle opens
    UNPIN_BUNDLE = "unpin_bundle"
    LIFT_BLOCK = "lift_block"  # of failed credentials
    SYNC = "sync"  # the grants were made as a file says
    FORGET = "forget"  # the details of a user were erased
    PRUNE = "prune"  # a checkpoint replaced old records


class Known(StrEnum):
    """How the ledger knows who acted."""

    AUTHENTICATED = "authenticated"  # the user of the request
    CLAIMED = "claimed"  # written on a command line or in a shell
    SYSTEM = "system"  # code, which gives its name
    UNKNOWN = "unknown"  # not given


@dataclass(frozen=True)
class Party:
    """A user, a group or a client: its kind, its primary key as text, and its name."""

    kind: str
    pk: str
    name: str


@dataclass(frozen=True)
class Who:
    """Who acted, and how the ledger knows it. For code, the kind is `system`, without a key."""

    known: Known
    party: Party
