"""Lists who of some grantees holds which of some scopes, and through what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from django.db import models

from api_guard import conf
from api_guard.grants.bundles import opened, pinned, with_bundles
from api_guard.grants.holdings import Holding, everyones, rows_of_scopes
from api_guard.grants.reading import database
from api_guard.models import ScopeGrant
from api_guard.models.memberships import membership_of

Cells = dict[object, dict[str, tuple[Holding, ...]]]


def held_across(kind: str, page: Sequence[models.Model], scopes: Collection[str]) -> Cells:
    """Return what some users, groups or clients hold of some scopes, by primary key and scope.

    It takes the same number of queries for any number of grantees and scopes. A user also holds
    what its groups and everyone have; whether it is active is not asked.
    """
    asked = frozenset(scopes)
    found: dict[object, dict[str, list[Holding]]] = defaultdict(lambda: defaultdict(list))
    pins = pinned(with_bundles(tuple(asked)), database())
    own = rows_of_scopes(asked, kind).filter(**{f"{kind}__in": [row.pk for row in page]})
    for row in own:
        for scope in _opened(row, pins, asked):
            found[getattr(row, f"{kind}_id")][scope].append(Holding(row, scope, kind, True))
    if kind == "user" and page:
        for key, holding in _through_groups(page, asked, pins):
            found[key][holding.scope].append(holding)
    return {
        key: {scope: tuple(held) for scope, held in cells.items()} for key, cells in found.items()
    }


def _through_groups(
    page: Sequence[models.Model], asked: frozenset[str], pins: dict[str, str]
) -> Iterator[tuple[object, Holding]]:
    members = _members(page)
    everyone = everyones(database())
    # Of everyone's group, a sensitive scope is that of its members alone.
    sensitive = conf.sensitive_scopes()
    for row in rows_of_scopes(asked, "group").filter(group__in={*members, *everyone}):
        is_shared = row.group_id in everyone and row.scope not in sensitive
        through = "everyone" if is_shared else "group"
        keys: Collection[object] = members.get(row.group_id, ())
        for key in [each.pk for each in page] if is_shared else keys:
            for scope in _opened(row, pins, asked):
                yield key, Holding(row, scope, through, False)


def _members(page: Sequence[models.Model]) -> dict[object, list[object]]:
    """Return the users of a page that are in a group, by group."""
    model: Any = type(page[0])
    found: dict[object, list[object]] = defaultdict(list)
    if membership_of(model) is None:
        return found
    rows = model._default_manager.using(database()).filter(
        pk__in=[row.pk for row in page], groups__isnull=False
    )
    for key, group in rows.order_by().values_list("pk", "groups__pk"):
        found[group].append(key)
    return found


def _opened(row: ScopeGrant, pins: dict[str, str], asked: frozenset[str]) -> list[str]:
    return [scope for scope in opened(row.scope, pins.get(row.scope)) if scope in asked]
