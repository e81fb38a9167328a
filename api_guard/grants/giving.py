"""Grant, revoke and extend: check the authority, then write."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_noop as _

from api_guard.core.scopes import EVERY_SCOPE
from api_guard.grants import asking, writing
from api_guard.grants.authority import (
    Authority,
    is_break_glass,
    refuse,
    refuse_without_authority,
)
from api_guard.grants.errors import GrantError, refuse_reason
from api_guard.grants.finding import grantee_of, held, kind_of, live_of, while_it_exists
from api_guard.grants.holdings import live_keys
from api_guard.grants.reading import get
from api_guard.grants.terms import is_longer, refuse_terms, terms_of
from api_guard.grants.who import By, Claimed, System, who_of
from api_guard.models import GrantRequest, ScopeGrant


def grant(
    scope: str,
    to: models.Model,
    *,
    by: By,
    reason: str = "",
    expires_at: datetime | None = None,
) -> ScopeGrant | GrantRequest:
    """Grant `scope` to a user, a group or a client, from now until `expires_at`.

    `by` is the user who grants it, `System("migration 0007")` or `Claimed("name")`. For a sensitive
    scope, no grant is made: it returns a GrantRequest, which two other users have to approve. An
    expired grant of the same scope is closed. Raises GrantError: `no_authority`, `self_grant`,
    `too_long`, `sensitive_to_everyone`, `unknown_scope`, `past`, `already_granted`, `no_grantee`,
    `nobody`, or the code of an invalid reason.
    """
    is_for_oneself = _judge(scope, to, by, reason, expires_at)
    if terms_of(scope).is_sensitive and not is_for_oneself:
        return asking.ask(scope, to, by=by, reason=reason, expires_at=expires_at)
    return writing.give(
        scope, to, by=by, reason=reason, expires_at=expires_at, is_break_glass=is_for_oneself
    )


def ensure(
    scope: str,
    to: models.Model,
    *,
    by: By,
    reason: str = "",
    expires_at: datetime | None = None,
) -> ScopeGrant:
    """Return the live grant of `scope` to `to`; make it if it does not exist. For seeds, fixtures.

    Raises GrantError with the codes of `grant`, and `needs_approval` for a sensitive scope.
    """
    found = live_of(scope, to)
    if found is not None:
        return found
    if terms_of(scope).is_sensitive:
        raise GrantError(
            "needs_approval",
            _("%(scope)r is sensitive: two users have to approve it. Ask for it with grant()."),
            {"scope": scope},
        )
    is_for_oneself = _judge(scope, to, by, reason, expires_at)
    try:
        return writing.give(
            scope, to, by=by, reason=reason, expires_at=expires_at, is_break_glass=is_for_oneself
        )
    except GrantError as error:
        # Another process granted it meanwhile. If not, a grant with another spelling exists.
        found = live_of(scope, to) if error.code == "already_granted" else None
        if found is None:
            raise
        return found


@while_it_exists
def revoke(row: ScopeGrant, *, by: By, reason: str = "") -> ScopeGrant:
    """Revoke a grant. The next request of its grantee is refused. This cannot be undone.

    All other live grants of the same scope and grantee are revoked too. Raises GrantError:
    `no_authority`, `already_revoked`, `nobody`, or the code of an invalid reason.
    """
    refuse_reason(reason)
    who_of(by)
    refuse_without_authority(by, row.scope, row.grantee)
    return writing.end(row, by, reason)


def revoke_all(grantee: models.Model, *, by: By, reason: str = "") -> int:
    """Revoke all grants of a user, a group or a client, and return their number.

    Raises GrantError: `no_authority` if `by` may not revoke one of them (then nothing is revoked),
    `no_grantee`, `nobody`, or the code of an invalid reason.
    """
    refuse_reason(reason)
    who_of(by)
    rows = held(grantee)
    if not isinstance(by, (System, Claimed)):
        judged = dict(rows.order_by().values_list("pk", "scope"))
        for scope in sorted(set(judged.values())):
            refuse_without_authority(by, scope, grantee)
        rows = rows.filter(pk__in=list(judged))  # and none that is granted meanwhile
    return writing.end_all(rows, by, reason)


def refuse_to_end_tokens(grantee: models.Model, *, by: By) -> None:
    """Raise GrantError `no_authority` if a user may not end the tokens of a user or a client.

    It needs the authority for every scope that the grantee holds, also through groups. If the
    grantee holds none, it needs the authority for all scopes.
    """
    authority = Authority.of(by)
    scopes = {scope for _key, scope in live_keys(grantee)} or {EVERY_SCOPE}
    if not all(map(authority.is_over, scopes)):
        refuse(by, _("You may not end the tokens of %(name)s."), names={"name": grantee})


@while_it_exists
def extend(row: ScopeGrant, expires_at: datetime | None, *, by: By, reason: str = "") -> ScopeGrant:
    """Change the expiry of a live grant. With None, the grant does not expire.

    A grant of a sensitive scope can only be shortened: ask for a longer one with `grant`. Raises
    GrantError: `no_authority`, `self_grant`, `needs_approval`, `too_long`, `already_revoked`,
    `expired` (grant it again instead), `past`, `nobody`, or the code of an invalid reason.
    """
    refuse_reason(reason)
    who_of(by)
    kept = get(row.pk)
    refuse_without_authority(by, kept.scope, grantee_of(kept))

    def judge(kept: ScopeGrant) -> None:
        grantee = grantee_of(kept)
        if not is_longer(kept.expires_at, expires_at):
            return
        refuse_terms(kept.scope, grantee, expires_at)
        if kept.is_break_glass or is_break_glass(by, grantee, "", None):
            said = _("You cannot extend a grant that you gave to yourself.")
            raise GrantError("self_grant", said)
        if terms_of(kept.scope).is_sensitive:
            raise GrantError(
                "needs_approval",
                _("%(scope)r is sensitive: ask for it with grant()."),
                {"scope": kept.scope},
            )

    return writing.move(row, expires_at, by, reason, judge)


def _judge(scope: str, to: models.Model, by: By, reason: str, expires_at: datetime | None) -> bool:
    """Raise GrantError if the grant is not allowed. Return whether it is a user's own grant."""
    kind_of(to)
    refuse_reason(reason)
    who_of(by)
    refuse_without_authority(by, scope, to)
    refuse_terms(scope, to, expires_at)
    return is_break_glass(by, to, reason, expires_at)
