"""Compares a file of grants with the database."""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.db import models
from django.utils import timezone

from api_guard.core.sync_files import SyncFile, SyncFileError, WantedGrant
from api_guard.grants.asking import open_requests
from api_guard.grants.authority import authorities
from api_guard.grants.changes import Act, Change, SyncPlan
from api_guard.grants.errors import GrantError, refuse_reason
from api_guard.grants.naming import Grantees, flaws_of_scope_groups, flaws_of_scopes
from api_guard.grants.pinning import unpinned
from api_guard.grants.reading import stored
from api_guard.grants.terms import is_longer, refuse_terms, terms_of
from api_guard.models import ScopeGrant, is_past


def plan_sync(file: SyncFile, *, prune: bool = False) -> SyncPlan:
    """Compare a file with the database, and change nothing.

    With `prune`, what the grantees and the groups of the file hold besides is removed. Raises
    SyncFileError with all problems: unknown scopes, grantees and scope groups, and grants that the
    terms of their scope do not allow.
    """
    grantees = Grantees.of(file.grantees | {("group", name) for name in file.managers})
    problems = [*grantees.problems, *flaws_of_scopes(file), *flaws_of_scope_groups(file)]
    if problems:
        raise SyncFileError(problems)
    changes, waiting, extra = _of_grants(file, grantees, problems)
    given, besides = _of_authorities(file, grantees)
    if problems:
        raise SyncFileError(problems)
    # First what a bundle opens, because it decides for how long the bundle may be granted.
    changes, extra = [*unpinned(), *changes, *given], [*extra, *besides]
    if prune:
        changes, extra = [*changes, *extra], []
    return SyncPlan(file.digest, tuple(changes), tuple(extra), tuple(waiting))


def plan_bundles() -> SyncPlan:
    """Compare what the bundles in the settings open with what is pinned, and change nothing."""
    found = tuple(unpinned())
    digest = hashlib.sha256("\n".join(map(str, found)).encode()).hexdigest()
    return SyncPlan(digest, found, (), ())


def _of_grants(
    file: SyncFile, grantees: Grantees, problems: list[str]
) -> tuple[list[Change], list[Change], list[Change]]:
    now = timezone.now()
    held = _held(grantees, file.grantees, now)
    asked = _asked()
    changes, waiting = [], []
    for wanted in file.grants:
        if wanted.until is not None and is_past(wanted.until, now):
            continue  # it has ended, as the file says
        grantee = grantees.row(wanted.kind, wanted.name)
        row = held.pop((wanted.kind, wanted.name, wanted.scope), None)
        change = _change(wanted, grantee, row)
        if change is None:
            continue
        if change.act is Act.ASK and (wanted.kind, grantee.pk, wanted.scope) in asked:
            waiting.append(change)
            continue
        changes.append(change)
        problems += _flaws(change)
    extra = [
        Change(Act.REVOKE, kind, name, scope, was=row.expires_at, row=row)
        for (kind, name, scope), row in held.items()
        if not row.is_break_glass  # it ends by itself within an hour
    ]
    return changes, waiting, extra


def _change(wanted: WantedGrant, grantee: models.Model, row: ScopeGrant | None) -> Change | None:
    was = None if row is None else row.expires_at
    if row is not None and _second(was) == _second(wanted.until):
        return None
    if terms_of(wanted.scope).is_sensitive and (row is None or is_longer(was, wanted.until)):
        act = Act.ASK
    else:
        act = Act.GRANT if row is None else Act.MOVE
    return Change(
        act,
        wanted.kind,
        wanted.name,
        wanted.scope,
        wanted.until,
        was,
        wanted.reason,
        grantee,
        row,
    )


def _second(moment: datetime | None) -> int | None:
    # A file and a database may keep different fractions of a second.
    return None if moment is None else round(moment.timestamp())


def _flaws(change: Change) -> list[str]:
    try:
        refuse_reason(change.reason)
        is_shorter = change.act is Act.MOVE and not is_longer(change.was, change.until)
        if not is_shorter:
            refuse_terms(change.scope, change.grantee, change.until)
    except GrantError as error:
        return [f"{change.kind} {change.name}: {error}"]
    return []


def _held(
    grantees: Grantees, named: frozenset[tuple[str, str]], now: datetime
) -> dict[tuple[str, str, str], ScopeGrant]:
    """Return the live grants of the named grantees, by kind, name and scope."""
    found: dict[tuple[str, str, str], ScopeGrant] = {}
    for kind, names in grantees.pages(named):
        for row in stored().filter(live=1, **{f"{kind}__in": list(names)}).order_by("pk"):
            if row.is_live(now):
                found[kind, names[getattr(row, f"{kind}_id")], row.scope] = row
    return found


def _asked() -> set[tuple[str, object, str]]:
    """Return the open requests, by kind, primary key of the grantee, and scope."""
    found = set()
    for row in open_requests().order_by():
        kind = row.grantee_kind
        found.add((kind, getattr(row, f"{kind}_id"), row.scope))
    return found


def _of_authorities(file: SyncFile, grantees: Grantees) -> tuple[list[Change], list[Change]]:
    groups = [grantees.row("group", name) for name in sorted(file.managers)]
    held = {
        (str(row.group), row.scope_group): row
        for row in authorities()
        .filter(group__in=[group.pk for group in groups])
        .select_related("group")
    }
    changes = [
        Change(
            Act.AUTHORIZE,
            "group",
            wanted.group,
            wanted.scope_group,
            reason=wanted.reason,
            grantee=grantees.row("group", wanted.group),
        )
        for wanted in file.authorities
        if held.pop((wanted.group, wanted.scope_group), None) is None
    ]
    extra = [
        Change(Act.DEAUTHORIZE, "group", name, scope_group, row=row)
        for (name, scope_group), row in held.items()
    ]
    return changes, extra
