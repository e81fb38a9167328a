"""For how long, and whether to everyone, a scope can be granted."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.models import Group
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from api_guard import conf
from api_guard.core.scopes import ScopeTerms
from api_guard.grants.bundles import parts
from api_guard.grants.errors import GrantError
from api_guard.models import is_past


def is_everyone(grantee: models.Model | None) -> bool:
    """Whether a grantee is the group of everyone."""
    return isinstance(grantee, Group) and conf.is_everyone_group(grantee.name)


def terms_of(scope: str) -> ScopeTerms:
    """Return the terms of a scope. An undeclared scope has no group."""
    return conf.scope_terms().get(scope, ScopeTerms(""))


def refuse_terms(scope: str, to: models.Model, expires_at: datetime | None) -> None:
    """Raise GrantError `sensitive_to_everyone` or `too_long`, if the scope is never given so."""
    terms = terms_of(scope)
    if terms.is_sensitive and is_everyone(to):
        raise GrantError(
            "sensitive_to_everyone",
            _("%(scope)r is sensitive. It cannot be granted to everyone."),
            {"scope": scope},
        )
    days = most_days(scope)
    if days is None:
        return
    latest = timezone.now() + timedelta(days=days, minutes=1)
    if expires_at is None or not is_past(expires_at, latest):
        raise GrantError(
            "too_long",
            _("%(scope)r can be granted for at most %(days)d days. Set an expiry."),
            {"scope": scope, "days": days},
        )


def most_days(scope: str) -> int | None:
    """Return for how many days a scope can be granted at most, or None without a limit."""
    limits = (*(terms_of(part).max_days for part in parts(scope)), conf.max_grant_days())
    return min((each for each in limits if each is not None), default=None)


def is_longer(was: datetime | None, becomes: datetime | None) -> bool:
    """Whether a grant that ends at `becomes` lasts longer than one that ends at `was`."""
    return was is not None and (becomes is None or not is_past(becomes, was))
