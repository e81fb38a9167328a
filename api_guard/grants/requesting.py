"""A user asks for a scope for itself."""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.contrib.auth import get_user_model
from django.db import models
from django.utils.translation import gettext_noop as _

from api_guard import conf
from api_guard.core.rates import Counter, retry_after
from api_guard.core.scopes import ScopeTerms
from api_guard.exceptions import GuardUnavailable, RateLimited
from api_guard.grants.asking import ask
from api_guard.grants.errors import GrantError, refuse_reason
from api_guard.grants.finding import live_of
from api_guard.grants.terms import is_longer, refuse_terms
from api_guard.grants.who import who_of
from api_guard.limits import counters
from api_guard.models import GrantRequest


def request(
    scope: str, *, by: models.Model, reason: str, expires_at: datetime | None
) -> GrantRequest:
    """Ask for `scope` for oneself, until `expires_at`. `by` is the user who asks.

    Others approve or decline it. Raises GrantError: `nobody`, `inactive`, `not_requestable`,
    `no_reason`, `no_expiry`, `already_granted`, `already_asked`, `past`, `too_long`, or the code of
    an invalid reason; RateLimited after too many requests, and GuardUnavailable if they cannot be
    counted.
    """
    if not isinstance(by, get_user_model()):
        raise GrantError("nobody", f"{by!r} is not a user. Only a user can ask for itself.")
    who_of(by)
    if getattr(by, "is_active", False) is not True:
        raise GrantError("inactive", _("The user %(name)s is not active."), {"name": by})
    if scope not in requestable_scopes():
        raise GrantError("not_requestable", _("%(scope)r cannot be asked for."), {"scope": scope})
    if not reason.strip():
        raise GrantError("no_reason", _("Write why you need it."))
    refuse_reason(reason)
    if expires_at is None:
        raise GrantError("no_expiry", _("Write until when you need it."))
    refuse_terms(scope, by, expires_at)
    held = live_of(scope, by)
    if held is not None and not is_longer(held.expires_at, expires_at):
        said = _("You already hold %(scope)r for as long.")
        raise GrantError("already_granted", said, {"scope": scope})
    counted = _count(by)
    try:
        return ask(scope, by, by=by, reason=reason, expires_at=expires_at)
    except GrantError:
        _give_back(counted)
        raise


def requestable_scopes() -> dict[str, ScopeTerms]:
    """Return the scopes that users may ask for, with their terms."""
    return {name: terms for name, terms in conf.scope_terms().items() if terms.is_requestable}


def _count(user: models.Model) -> tuple[Counter, ...]:
    """Count a request of a user. Raises RateLimited, or GuardUnavailable without the counters."""
    if not conf.ratelimit_enabled():
        return ()
    whose = hashlib.sha256(f"request\nuser:{user.pk}".encode()).hexdigest()
    counted = tuple(
        Counter(f"api_guard:{whose[:40]}:{rate.period}", rate, bucket=whose[:2])
        for rate in conf.request_rates()
    )
    try:
        usages = counters.take(counted)
    except counters.CounterFault as fault:
        raise GuardUnavailable from fault
    if any(usage.exceeded for usage in usages):
        raise RateLimited(retry_after(usages), usages)
    return counted


def _give_back(counted: tuple[Counter, ...]) -> None:
    """Undo a count, if the counters answer: nothing was asked for."""
    try:
        counters.give_back(counted)
    except counters.CounterFault:
        return
