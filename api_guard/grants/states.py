"""The rows that give access, and what counts of each, in the words of the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DatabaseError
from django.db.models import Q, QuerySet

from api_guard import ledger
from api_guard.core.records import key_of_party
from api_guard.grants.kept import State
from api_guard.grants.reading import database
from api_guard.grants.reviewed import (
    is_of_open_review,
    is_open_review,
    state_of_decision,
    state_of_review,
)
from api_guard.grants.wording import expiry, keep_date, user_key
from api_guard.models import (
    AccessReview,
    BundlePin,
    GrantApproval,
    GrantAuthority,
    GrantRequest,
    Held,
    RateOverride,
    RemoteSubject,
    ReviewedGrant,
    ScopeGrant,
)

OPEN = "open"
_PAGE = 1000
# What a converter of a database raises for a value that only SQL could write.
_UNREADABLE = (DatabaseError, ValueError, TypeError, AttributeError, OverflowError)


@dataclass(frozen=True, eq=False)
class Kind:
    """A table. `name` is the name of a row, and of its primary key in the facts of a record.

    `counts` says whether a row needs a record. Other rows may have been pruned.
    """

    name: str
    model: Any
    state: Callable[[Any], State]
    counts: Callable[[Any], bool]
    only: Q
    related: tuple[str, ...] = ()

    def rows(self) -> QuerySet[Any]:
        """Return the rows that are compared, from the database that they are written to."""
        rows: QuerySet[Any] = self.model._base_manager.using(database()).filter(self.only)
        return rows.order_by("pk")

    def named(self, pk: object) -> str:
        """Return the name of a row: `grant 7`."""
        return f"{self.name} {pk}"

    def read(self) -> Iterator[tuple[int, Any]]:
        """Yield the primary key of each row, and the row, or None if it cannot be read."""
        rows = self.rows()
        while pks := list(rows.values_list("pk", flat=True)[:_PAGE]):
            yield from self._some(pks)
            # SQL can insert a negative primary key: the first page begins at the smallest one.
            rows = self.rows().filter(pk__gt=pks[-1])

    def _some(self, pks: list[int]) -> Iterator[tuple[int, Any]]:
        try:
            rows = self.rows().filter(pk__in=pks)
            # Without names, select_related() would follow every foreign key.
            found = list(rows.select_related(*self.related) if self.related else rows)
        except _UNREADABLE:
            if len(pks) == 1:
                yield pks[0], None
                return
            half = len(pks) // 2
            yield from self._some(pks[:half])
            yield from self._some(pks[half:])
        else:
            yield from ((row.pk, row) for row in found)


def is_gone(key: str) -> bool:
    """Whether a user, named as in the ledger, no longer exists."""
    field: Any = ScopeGrant._meta.get_field("user")
    users = field.related_model._base_manager.using(database())
    try:
        return not users.filter(pk=key.partition(":")[2]).exists()
    except (ValueError, ValidationError):
        return False


def is_in_force(row: ScopeGrant | GrantRequest) -> bool:
    """Whether a grant is not revoked, or a request is not decided."""
    return row.revoked_at is None if isinstance(row, ScopeGrant) else not row.outcome


def _grantee(row: Held) -> str:
    return key_of_party(row.grantee_kind, str(getattr(row, f"{row.grantee_kind}_id", "")))


def _grant(row: ScopeGrant) -> State:
    return {
        "scope": row.scope,
        "grantee": _grantee(row),
        "expiry": expiry(row.expires_at),
        "break-glass flag": "yes" if row.is_break_glass else "no",
        "keep date": keep_date(row.kept_until),
    }


def _authority(row: GrantAuthority) -> State:
    return {"group": f"group:{row.group_id}", "scopes": row.scope_group}


def _override(row: RateOverride) -> State:
    return {
        "rate": row.name,
        "limit": str(row.limit),
        "grantee": _grantee(row),
        "expiry": expiry(row.expires_at),
    }


def _subject(row: RemoteSubject) -> State:
    # Not in the facts of its record, because a subject is personal data.
    return {"subject": ledger.storable(str(row)), "user": user_key(row.user_id)}


def _request(row: GrantRequest) -> State:
    return {
        "scope": row.scope,
        "grantee": _grantee(row),
        "expiry": expiry(row.expires_at),
        "asker": user_key(row.asked_by_id),
        "outcome": row.outcome or OPEN,
    }


def _approval(row: GrantApproval) -> State:
    return {
        "request": str(row.request_id),
        "user": user_key(row.by_id),
        "expiry": expiry(row.expires_at),
    }


def _pin(row: BundlePin) -> State:
    return {"bundle": row.bundle, "scopes": row.scopes}


def _always(row: object) -> bool:
    del row
    return True


def _is_of_open_request(row: GrantApproval) -> bool:
    return is_in_force(row.request)


GRANT = Kind("grant", ScopeGrant, _grant, is_in_force, Q(live=1))
AUTHORITY = Kind("authority", GrantAuthority, _authority, _always, Q())
OVERRIDE = Kind("override", RateOverride, _override, _always, Q())
SUBJECT = Kind("subject", RemoteSubject, _subject, _always, Q())
REQUEST = Kind("request", GrantRequest, _request, is_in_force, Q())
APPROVAL = Kind("approval", GrantApproval, _approval, _is_of_open_request, Q(), ("request",))
REVIEW = Kind("review", AccessReview, state_of_review, is_open_review, Q())
DECISION = Kind(
    "decision", ReviewedGrant, state_of_decision, is_of_open_review, ~Q(decision=""), ("review",)
)
PIN = Kind("pin", BundlePin, _pin, _always, Q())
KINDS = (GRANT, AUTHORITY, OVERRIDE, SUBJECT, REQUEST, APPROVAL, REVIEW, DECISION, PIN)
