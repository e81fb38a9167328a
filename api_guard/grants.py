"""Grant, revoke, extend, look up; the only module that queries ScopeGrant."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.contrib.auth.models import Group
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import IntegrityError, models, router, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from api_guard import conf
from api_guard.core.scopes import Granted
from api_guard.exceptions import is_fault
from api_guard.models import HOLDERS, ScopeGrant, is_past
from api_guard.statements import Parameter, Statement

logger = logging.getLogger("api_guard.grants")


class GrantError(ValueError):
    """A grant that cannot be made, changed or revoked; `code` says why, and nothing was done."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class LiveGrant:
    """A row that the request path read: what is granted, to which side, and when it was used."""

    pk: int
    scope: str
    to_client: bool
    last_used_at: datetime | None


def grant(
    scope: str,
    to: models.Model,
    *,
    by: models.Model | None = None,
    reason: str = "",
    expires_at: datetime | None = None,
) -> ScopeGrant:
    """Grant `scope` to a user, a group or a client, from now until `expires_at`.

    A grant of the same that has expired is closed on the way. Raises GrantError: `unknown_scope`,
    `past`, `already_granted`, `no_holder`.
    """
    kind = _kind_of(to)
    row = ScopeGrant(scope=scope, reason=reason, expires_at=expires_at)
    for name, value in ((kind, to), ("granted_by", by)):
        setattr(row, name, value)
    try:
        with transaction.atomic(using=_database()):
            _close_expired(scope, kind, to, by)
            row.save(using=_database())
    except ValidationError as error:
        raise _grant_error(error) from None
    except IntegrityError:
        # Another process granted the same between the check and the insert.
        raise GrantError("already_granted", f"{to} holds {scope!r} already.") from None
    return row


def ensure(
    scope: str, to: models.Model, *, by: models.Model | None = None, reason: str = ""
) -> ScopeGrant:
    """Return the live grant of `scope` to `to`, made now if there is none. For seeds and fixtures.

    Raises GrantError as `grant` does.
    """
    held = _unrevoked(scope, _kind_of(to), to).first()
    if held is not None and held.is_live():
        return held
    return grant(scope, to, by=by, reason=reason)


def revoke(row: ScopeGrant, *, by: models.Model | None = None, reason: str = "") -> ScopeGrant:
    """Revoke a grant, for good; the next request of its holder is refused.

    Raises GrantError `already_revoked`.
    """
    changed = ScopeGrant.objects.filter(pk=row.pk, revoked_at__isnull=True).update(
        revoked_at=timezone.now(), revoked_by=by, revoked_reason=reason
    )
    row.refresh_from_db()
    if not changed:
        raise GrantError("already_revoked", f"{row} was revoked already, at {row.revoked_at}.")
    return row


def extend(
    row: ScopeGrant, expires_at: datetime | None, *, by: models.Model | None = None
) -> ScopeGrant:
    """Move the expiry of a live grant; None takes it away. `by` is who is to answer for it.

    Raises GrantError: `already_revoked`, `expired` (grant anew instead), `past`.
    """
    now = timezone.now()
    if expires_at is not None and is_past(expires_at, now):
        raise GrantError("past", f"{expires_at} is past already.")
    with transaction.atomic(using=_database()):
        held = ScopeGrant.objects.select_for_update().get(pk=row.pk)
        if held.revoked_at is not None:
            raise GrantError("already_revoked", f"{held} was revoked at {held.revoked_at}.")
        if not held.is_live(now):
            raise GrantError("expired", f"{held} expired at {held.expires_at}: grant it anew.")
        ScopeGrant.objects.filter(pk=row.pk).update(expires_at=expires_at)
    logger.info("%s extended to %s by %s", held, expires_at, by)
    row.refresh_from_db()
    return row


def live_grants(user: models.Model | None, client_id: object) -> tuple[LiveGrant, ...]:
    """Read, in one query, every live grant of a user (its groups' and everyone's) and a client."""
    if user is None and client_id is None:
        return ()
    everyone = conf.everyone_group()
    statement = _live_statement(
        None if user is None else user._meta.model, client_id is not None, everyone is not None
    )
    values = {
        "now": timezone.now(),
        "user": None if user is None else user.pk,
        "client": client_id,
        "everyone": everyone,
    }
    return tuple(
        LiveGrant(pk, scope, holder is not None, last_used_at)
        for pk, scope, holder, last_used_at in statement.rows(values)
    )


@cache
def _live_statement(
    user_model: type[models.Model] | None, client: bool, everyone: bool
) -> Statement:
    def build() -> QuerySet[ScopeGrant, Any]:
        holders = Q()
        if user_model is not None:
            holders |= _of_user(user_model, everyone)
        if client:
            holders |= Q(client=_parameter("client"))
        rows = live(Parameter("now", models.DateTimeField())).filter(holders).order_by()
        return rows.values_list("pk", "scope", "client", "last_used_at")

    return Statement(ScopeGrant, build)


def _of_user(user_model: type[models.Model], everyone: bool) -> Q:
    """Match a user, its groups and the group of everyone."""
    holders = Q(user=_parameter("user"))
    try:
        membership: Any = user_model._meta.get_field("groups")
    except FieldDoesNotExist:
        pass  # a user model without PermissionsMixin has no groups
    else:
        members = membership.remote_field.through._base_manager.filter(
            **{membership.m2m_field_name(): _parameter("user")}
        )
        holders |= Q(group__in=members.values(membership.m2m_reverse_field_name()))
    if everyone:
        name = Parameter("everyone", Group._meta.get_field("name"))
        holders |= Q(group__in=Group.objects.filter(name=name).values("pk"))
    return holders


def _parameter(holder: str) -> Parameter:
    field: Any = ScopeGrant._meta.get_field(holder)
    return Parameter(holder, field.target_field)


def granted(user: models.Model | None, client_id: object) -> tuple[Granted, tuple[LiveGrant, ...]]:
    """Return what was granted to the two sides of a caller, and the rows that say so."""
    rows = live_grants(user, client_id)
    return Granted(
        user=None if user is None else frozenset(r.scope for r in rows if not r.to_client),
        client=None if client_id is None else frozenset(r.scope for r in rows if r.to_client),
    ), rows


def scopes_of_client(client_id: object) -> frozenset[str]:
    """Return the scopes granted to a client now."""
    return granted(None, client_id)[0].client or frozenset()


def get(pk: int) -> ScopeGrant:
    """Return a grant as it stands in the database."""
    return ScopeGrant.objects.get(pk=pk)


def live(now: datetime | Parameter | None = None) -> QuerySet[ScopeGrant]:
    """Return the grants that count at `now`."""
    current = now or timezone.now()
    return ScopeGrant.objects.filter(revoked_at__isnull=True).filter(
        Q(expires_at__isnull=True) | Q(expires_at__gt=current)
    )


def record_use(rows: Iterable[LiveGrant], scopes: Iterable[str]) -> None:
    """Write `last_used_at` of the rows that gave `scopes`, after commit, once an interval each.

    Its failure is logged and refuses nobody.
    """
    now = timezone.now()
    due = now - timedelta(seconds=conf.last_used_interval())
    used = frozenset(scopes)
    stale = [
        row.pk
        for row in rows
        if row.scope in used and (row.last_used_at is None or is_past(row.last_used_at, due))
    ]
    if stale:
        transaction.on_commit(lambda: _write_use(stale, now, due), using=_database())


def _write_use(pks: list[int], now: datetime, due: datetime) -> None:
    unused = Q(last_used_at__isnull=True) | Q(last_used_at__lte=due)
    try:
        ScopeGrant.objects.filter(unused, pk__in=pks).update(last_used_at=now)
    except Exception as error:
        if not is_fault(error):
            raise
        logger.warning("The use of %d grants could not be recorded: %s", len(pks), error)


def _database() -> str:
    return router.db_for_write(ScopeGrant)


def _kind_of(holder: object) -> str:
    for kind in HOLDERS:
        model = ScopeGrant._meta.get_field(kind).related_model
        if isinstance(model, type) and isinstance(holder, model) and holder.pk is not None:
            return kind
    raise GrantError("no_holder", f"{holder!r} is no saved user, group or client.")


def _unrevoked(scope: str, kind: str, holder: models.Model) -> QuerySet[ScopeGrant]:
    return ScopeGrant.objects.filter(scope=scope, revoked_at__isnull=True, **{kind: holder})


def _close_expired(scope: str, kind: str, holder: models.Model, by: models.Model | None) -> None:
    for row in _unrevoked(scope, kind, holder).select_for_update():
        if not row.is_live():
            revoke(row, by=by, reason="expired")


def _grant_error(error: ValidationError) -> GrantError:
    flaws = [flaw for flaws in error.error_dict.values() for flaw in flaws]
    code = next((flaw.code for flaw in flaws if flaw.code), "invalid")
    return GrantError(str(code), " ".join(message for flaw in flaws for message in flaw.messages))
