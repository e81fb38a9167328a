"""Makes the grants as a file says, and writes such a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db.models import Q
from django.utils import timezone

from api_guard import conf
from api_guard.core.ledger import Event
from api_guard.core.sync_files import VERSION
from api_guard.grants.authority import authorities
from api_guard.grants.authorizing import authorize, deauthorize
from api_guard.grants.changes import Act, Change, SyncPlan
from api_guard.grants.deadlocks import in_transaction
from api_guard.grants.errors import refuse_reason
from api_guard.grants.giving import extend, grant, revoke
from api_guard.grants.naming import natural_key
from api_guard.grants.pinning import pin
from api_guard.grants.reading import live
from api_guard.grants.who import By, note, who_of
from api_guard.models import GRANTEES, ScopeGrant


def apply_sync(
    plan: SyncPlan, *, by: By, reason: str = "", told: Callable[[int], None] | None = None
) -> None:
    """Make all changes of a plan in one transaction, recorded with the digest of the file.

    `reason` is for the changes without a reason of their own. `told` is called with the number of
    changes so far. Raises GrantError: nothing was changed.
    """
    who = who_of(by)
    refuse_reason(reason)

    def write() -> None:
        facts = {"digest": plan.digest, "changes": len(plan.changes)}
        note(Event.SYNC, who, None, reason=reason, facts=facts)
        for count, change in enumerate(plan.changes, 1):
            _apply(change, by, change.reason or reason or f"sync {plan.digest[:12]}")
            if told is not None:
                told(count)

    if plan.changes:
        in_transaction(write)


def _apply(change: Change, by: By, reason: str) -> None:
    if change.act is Act.MOVE:
        extend(change.row, change.until, by=by, reason=reason)
    elif change.act is Act.REVOKE:
        revoke(change.row, by=by, reason=reason)
    elif change.act is Act.DEAUTHORIZE:
        deauthorize(change.row, by=by, reason=reason)
    elif change.act is Act.AUTHORIZE:
        authorize(change.grantee, change.scope, by=by, reason=reason)
    elif change.kind == "bundle":
        pin(change.name, by=by, reason=reason)
    else:
        grant(change.scope, change.grantee, by=by, reason=reason, expires_at=change.until)


def exported() -> str:
    """Return the live grants and the authorities as a file for `plan_sync`, a line for each entry.

    Grants of scopes that are not declared, and break-glass grants, are left out.
    """
    given = (f"    {json.dumps(each, ensure_ascii=False)}" for each in _grants())
    managing = (f"    {json.dumps(each, ensure_ascii=False)}" for each in _authorities())
    parts = [f'  "version": {VERSION}', _listed("grants", given)]
    return "{\n" + ",\n".join([*parts, _listed("authorities", managing)]) + "\n}\n"


def _listed(key: str, lines: Iterator[str]) -> str:
    joined = ",\n".join(lines)
    return f'  "{key}": [\n{joined}\n  ]' if joined else f'  "{key}": []'


def _grants() -> Iterator[dict[str, object]]:
    rows = live(timezone.now()).filter(scope__in=list(conf.grantable()), is_break_glass=False)
    for kind in GRANTEES:
        # By the name, so that two exports can be compared; the rest is sorted in the group.
        mine = rows.filter(~Q(**{kind: None})).select_related(kind)
        named = sorted(
            ((natural_key(row.grantee), _order(row), row) for row in mine),
            key=lambda each: each[:2],
        )
        for (name, until, reason), group in groupby(
            named, key=lambda each: _entry(each[0], each[2])
        ):
            entry: dict[str, object] = {kind: name, "scopes": [row.scope for *_, row in group]}
            if until is not None:
                entry["until"] = until.isoformat()
            yield entry | ({"reason": reason} if reason else {})


def _order(row: ScopeGrant) -> tuple[str, str, str]:
    return (row.expires_at.isoformat() if row.expires_at else "", row.reason, row.scope)


def _entry(name: str, row: ScopeGrant) -> tuple[str, datetime | None, str]:
    return name, row.expires_at, row.reason


def _authorities() -> Iterator[dict[str, Any]]:
    rows = authorities().select_related("group").order_by("group__name", "reason", "scope_group")
    for (name, reason), group in groupby(rows, key=lambda row: (row.group.name, row.reason)):
        entry: dict[str, Any] = {"group": name, "scope_groups": [row.scope_group for row in group]}
        yield entry | ({"reason": reason} if reason else {})
