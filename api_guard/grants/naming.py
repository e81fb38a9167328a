"""Finds grantees by their natural keys, many at once, and judges the names in a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import models, router

from api_guard import conf
from api_guard.core.names import did_you_mean
from api_guard.core.scopes import EVERY_SCOPE
from api_guard.core.sync_files import SyncFile
from api_guard.grants.bundles import is_bundle
from api_guard.models import ScopeGrant

Value = TypeVar("Value")
# So many rows are asked for at once.
_PAGE = 500


def natural_key(grantee: models.Model | None) -> str:
    """Return the username of a user, the name of a group, or the `client_id` of a client."""
    if isinstance(grantee, get_user_model()):
        return str(grantee.get_username())
    named: Any = grantee
    return str(named.name if isinstance(grantee, Group) else named.client_id)


@dataclass(frozen=True)
class Grantees:
    """The rows of grantees, by kind and natural key; and a problem for each that does not exist."""

    rows: Mapping[tuple[str, str], models.Model]
    problems: tuple[str, ...]

    @classmethod
    def of(cls, named: Iterable[tuple[str, str]]) -> Grantees:
        """Look them up."""
        asked: dict[str, list[str]] = {}
        for kind, name in sorted(named):
            asked.setdefault(kind, []).append(name)
        rows: dict[tuple[str, str], models.Model] = {}
        for kind, names in asked.items():
            for page in _paged(names):
                for row in _found(kind, page):
                    rows[kind, natural_key(row)] = row
        missing = [
            f"There is no {kind} {name!r}."
            for kind, names in asked.items()
            for name in names
            if (kind, name) not in rows
        ]
        return cls(rows, tuple(missing))

    def row(self, kind: str, name: str) -> models.Model:
        """Return a grantee."""
        return self.rows[kind, name]

    def pages(self, named: frozenset[tuple[str, str]]) -> Iterator[tuple[str, dict[object, str]]]:
        """Yield the primary keys of some of the grantees with their names, by kind, in pages."""
        asked: dict[str, dict[object, str]] = {}
        for kind, name in named:
            asked.setdefault(kind, {})[self.rows[kind, name].pk] = name
        for kind, names in asked.items():
            for page in _paged(names.items()):
                yield kind, dict(page)


def _paged(values: Iterable[Value]) -> Iterator[list[Value]]:
    # As itertools.batched(), which Python 3.11 does not have.
    left = iter(values)
    while page := list(islice(left, _PAGE)):
        yield page


def _found(kind: str, names: Iterable[str]) -> models.QuerySet[Any]:
    model: Any = ScopeGrant._meta.get_field(kind).related_model
    field = {"user": getattr(model, "USERNAME_FIELD", ""), "group": "name", "client": "client_id"}
    rows: models.QuerySet[Any] = model._base_manager.using(router.db_for_write(model))
    return rows.filter(**{f"{field[kind]}__in": list(names)})


def flaws_of_scopes(file: SyncFile) -> list[str]:
    """Return a problem for each scope and each bundle of a file that is not declared."""
    declared = conf.grantable()
    unknown = sorted({wanted.scope for wanted in file.grants} - declared.keys())
    return [
        f"{name!r} is not declared in API_GUARD[{_where(name)!r}].{did_you_mean(name, declared)}"
        for name in unknown
    ]


def _where(name: str) -> str:
    return "BUNDLES" if is_bundle(name) else "SCOPES"


def flaws_of_scope_groups(file: SyncFile) -> list[str]:
    """Return a problem for each group of scopes of a file that no scope has."""
    known = (EVERY_SCOPE, *conf.scope_groups())
    unknown = sorted({wanted.scope_group for wanted in file.authorities} - set(known))
    return [
        f"No scope in API_GUARD['SCOPES'] has the group {name!r}.{did_you_mean(name, known)}"
        for name in unknown
    ]
