"""What belongs to the person in the admin: others decide about that."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.http import HttpRequest

from api_guard import grants
from api_guard.admin.managers import authority_of, person_of
from api_guard.models import Held
from api_guard.models.memberships import groups_in


@dataclass(frozen=True)
class Own:
    """A person and its groups, read once for all rows of a page."""

    person: models.Model
    groups: frozenset[Hashable]
    gives_any: bool

    @classmethod
    def of(cls, request: HttpRequest) -> Own:
        """Read it, with one query."""
        person = person_of(request)
        member: Any = groups_in(person)
        groups: frozenset[Hashable] = frozenset()
        if member is not None:
            rows = member.using(grants.database()).order_by()
            groups = frozenset(rows.values_list("pk", flat=True))
        return cls(person, groups, authority_of(request).gives_any)

    def has(self, row: Held) -> bool:
        """Whether a row is for this person, or for its own group or client.

        Who may grant every scope decides about the groups and clients that it belongs to.
        """
        if row.grantee_kind == "user":
            return row.grantee == self.person
        if self.gives_any:
            return False
        grantee: Any = row.grantee
        if row.grantee_kind == "group":
            return grantee.pk in self.groups
        return bool(getattr(grantee, "user_id", None) == self.person.pk)
