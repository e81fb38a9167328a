"""Judges an offer of several scopes to several grantees: what is granted, asked for or refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from api_guard.grants.asking import is_open, undecided
from api_guard.grants.authority import Authority, is_break_glass
from api_guard.grants.errors import GrantError, refuse_reason
from api_guard.grants.finding import kind_of
from api_guard.grants.reading import stored
from api_guard.grants.terms import is_everyone, refuse_terms
from api_guard.grants.who import By, who_of
from api_guard.models import GRANTEES, GrantRequest, ScopeGrant, is_past, validate_scope

# Not a mistake: the grantee has it, or somebody has asked for it.
ALREADY = frozenset({"already_granted", "already_asked"})
Key = tuple[str, object, str]


@dataclass(frozen=True)
class Unmade:
    """A grant that is not made, and why. `row` is the grant or the request that exists."""

    scope: str
    grantee: models.Model
    error: GrantError
    row: ScopeGrant | GrantRequest | None = None


@dataclass(frozen=True)
class Offer:
    """Every one of `scopes` for every one of `grantees`, from `by`."""

    scopes: tuple[str, ...]
    grantees: tuple[models.Model, ...]
    by: By
    reason: str = ""
    expires_at: datetime | None = None

    def unmade(self) -> tuple[Unmade, ...]:
        """Return what `grant_many` would not grant, and why. It changes nothing.

        Raises GrantError: `no_grantee`, `nobody`, or the code of an invalid reason.
        """
        return Judged.of(self).unmade


@dataclass(frozen=True)
class Judged:
    """The pairs of an offer: those to grant, those to ask for, and those that are refused.

    `expired` are grants, and `lapsed` are requests, that are closed because they are in the way.
    """

    granted: tuple[tuple[str, models.Model], ...]
    asked: tuple[tuple[str, models.Model], ...]
    unmade: tuple[Unmade, ...]
    expired: tuple[int, ...]
    lapsed: tuple[GrantRequest, ...]

    @classmethod
    def of(cls, offer: Offer) -> Judged:
        """Judge an offer, with a number of queries that does not grow with the scopes."""
        refuse_reason(offer.reason)
        who_of(offer.by)
        authority, now = Authority.of(offer.by), timezone.now()
        held = rows_for(offer.scopes, offer.grantees, stored().filter(live=1))
        sensitive = [name for name in offer.scopes if _is_sensitive(authority, name)]
        asked = rows_for(offer.scopes, offer.grantees, undecided()) if sensitive else {}
        given: dict[bool, list[tuple[str, models.Model]]] = {True: [], False: []}
        unmade, terms = [], _Terms(authority, offer, now)
        for grantee in dict.fromkeys(offer.grantees):
            own = terms.own(grantee)
            for scope in dict.fromkeys(offer.scopes):
                error = terms.error(scope, grantee) or (
                    own if isinstance(own, GrantError) else None
                )
                row: Any = None
                if error is None:
                    key = (kind_of(grantee), grantee.pk, scope)
                    must_ask = scope in sensitive and own is False
                    error, row = _existing(held.get(key), asked.get(key), must_ask, now, grantee)
                if error is None:
                    given[must_ask].append((scope, grantee))
                else:
                    unmade.append(Unmade(scope, grantee, error, row))
        chosen, wanted = (
            {(kind_of(to), to.pk, scope) for scope, to in given[each]} for each in (False, True)
        )
        expired = tuple(row.pk for key, row in held.items() if key in chosen)
        lapsed = tuple(row for key, row in asked.items() if key in wanted)
        return cls(tuple(given[False]), tuple(given[True]), tuple(unmade), expired, lapsed)


class _Terms:
    """The errors that depend on a scope or on a grantee alone, each found once."""

    def __init__(self, authority: Authority, offer: Offer, now: datetime) -> None:
        self._authority, self._offer, self._now = authority, offer, now
        self._errors: dict[tuple[str, bool], GrantError | None] = {}

    def error(self, scope: str, grantee: models.Model) -> GrantError | None:
        key = (scope, is_everyone(grantee))
        if key not in self._errors:
            self._errors[key] = _caught(lambda: self._refuse(scope, grantee))
        return self._errors[key]

    def own(self, grantee: models.Model) -> GrantError | bool:
        """Return True for a user who grants to itself, an error if it may not, or False."""
        kind_of(grantee)
        offer = self._offer
        said: list[bool] = []
        error = _caught(
            lambda: said.append(is_break_glass(offer.by, grantee, offer.reason, offer.expires_at))
        )
        return error or said[0]

    def _refuse(self, scope: str, grantee: models.Model) -> None:
        self._authority.refuse_without(scope, to_everyone=is_everyone(grantee))
        try:
            validate_scope(scope)
        except ValidationError as error:
            raise GrantError("unknown_scope", error.messages[0]) from None
        expires_at = self._offer.expires_at
        if expires_at is not None and is_past(expires_at, self._now):
            raise GrantError(
                "past", _("The expiry %(moment)s is in the past."), {"moment": expires_at}
            )
        refuse_terms(scope, grantee, expires_at)


def _caught(judge: Callable[[], None]) -> GrantError | None:
    try:
        judge()
    except GrantError as error:
        return error
    return None


def _existing(
    held: ScopeGrant | None,
    asked: GrantRequest | None,
    must_ask: bool,
    now: datetime,
    grantee: models.Model,
) -> tuple[GrantError | None, ScopeGrant | GrantRequest | None]:
    if must_ask:
        said = _("%(name)s already has an open request for this scope.")
        error = GrantError("already_asked", said, {"name": grantee})
        return (None, None) if asked is None or not is_open(asked) else (error, asked)
    if held is None or not held.is_live(now):
        return None, None
    said = _("%(name)s already has a grant of this scope.")
    return GrantError("already_granted", said, {"name": grantee}), held


def _is_sensitive(authority: Authority, scope: str) -> bool:
    return scope in authority.terms and authority.terms[scope].is_sensitive


def rows_for(
    scopes: Iterable[str], grantees: Iterable[models.Model], rows: models.QuerySet[Any]
) -> dict[Key, Any]:
    """Return the rows of these scopes and grantees, by kind, primary key and scope."""
    found: dict[Key, Any] = {}
    names, whom = list(scopes), list(grantees)
    for kind in GRANTEES:
        named = [grantee.pk for grantee in whom if kind_of(grantee) == kind]
        if named:
            asked = rows.filter(**{f"{kind}__in": named}, scope__in=names).order_by()
            found |= {key_of(row): row for row in asked}
    return found


def key_of(row: ScopeGrant | GrantRequest) -> Key:
    """Return the kind and the primary key of the grantee, and the scope."""
    return row.grantee_kind, getattr(row, f"{row.grantee_kind}_id"), row.scope
