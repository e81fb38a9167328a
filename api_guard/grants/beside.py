"""Reads what a caller holds in columns of the query that finds its token: one query for both."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connections, models
from django.db.models import Func, Subquery, TextField
from django.utils import timezone

from api_guard import conf
from api_guard.core.rates import Override
from api_guard.core.scopes import Granted
from api_guard.grants.grantees import Sides, values_of_everyone
from api_guard.grants.overrides import live_overrides
from api_guard.grants.reading import COLUMNS, LiveGrant, as_granted, database, live_rows, moments

# The others do not take a part of a query that names what is outside of it by their indexes.
_VENDORS = ("postgresql", "sqlite")


@dataclass(frozen=True)
class Asked:
    """What a request is going to ask of its caller: grants of scopes, and overrides by name."""

    scopes: tuple[str, ...] = ()
    rates: tuple[str, ...] = ()


@dataclass(frozen=True)
class Held:
    """What a user and a client hold of what was asked; either is None where there is none."""

    asked: Asked
    user: models.Model | None
    client_id: object
    granted: Granted
    rows: tuple[LiveGrant, ...]
    overrides: tuple[Override, ...]


@dataclass(frozen=True, eq=False)
class Beside:
    """The columns of a query of `alias` that answer a question of one shape.

    The sides say what that query calls the primary keys of its user and its client.
    """

    sides: Sides
    scopes: int
    rates: int

    @classmethod
    def of(cls, asked: Asked, user_model: Any, outer: tuple[str, str], alias: str) -> Beside | None:
        """Return the columns; None where nothing is asked, or not in one query."""
        if not (asked.scopes or asked.rates) or alias != database():
            return None
        vendor = connections[alias].vendor
        if vendor not in _VENDORS:
            return None
        has_everyone = conf.everyone_group() is not None
        sensitive = len(conf.sensitive_scopes()) if has_everyone else 0
        sides = Sides(user_model, True, has_everyone, vendor, sensitive, outer)
        return _shared(sides, len(asked.scopes), len(asked.rates))

    def values(self, asked: Asked) -> dict[str, object]:
        """Return the values of the parameters in the columns."""
        return {
            **moments(timezone.now()),
            **values_of_everyone(),
            **{f"scope{number}": name for number, name in enumerate(asked.scopes)},
            **{f"rate{number}": name for number, name in enumerate(asked.rates)},
        }

    def columns(self) -> list[Subquery]:
        """Return the columns: each holds a list of rows in JSON, or null."""
        found = []
        if self.scopes:
            found += live_rows(self.sides, self.scopes, _Listed(*COLUMNS))
        if self.rates:
            found += live_overrides(self.sides, self.rates, _Listed("limit", "name"))
        return [Subquery(each) for each in found]

    def read(
        self, asked: Asked, user: models.Model | None, client_id: object, found: Sequence[Any]
    ) -> Held | None:
        """Return what was found in the columns, None where that is not what the caller holds."""
        if user is None and self.sides.has_everyone:
            return None  # everyone's group is that of users, and the columns ask for no user
        rows: list[LiveGrant] = []
        overrides: list[Override] = []
        for text in found:
            for row in json.loads(text) if text and text != "[]" else ():
                if len(row) == len(COLUMNS):
                    pk, scope, client, is_due = row
                    rows.append(LiveGrant(pk, scope, client is not None, bool(is_due)))
                else:
                    limit, name = row
                    overrides.append(Override(name, limit))
        return Held(
            asked, user, client_id, as_granted(user, client_id, rows), tuple(rows), tuple(overrides)
        )


@cache
def _shared(sides: Sides, scopes: int, rates: int) -> Beside:
    # One for each shape, so that what is kept by it is found by its identity.
    return Beside(sides, scopes, rates)


class _Listed(Func):
    """All the rows of a query in one, as JSON."""

    output_field: Any = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> Any:
        return self.as_sql(
            compiler, connection, template="json_group_array(json_array(%(expressions)s))"
        )

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        template = "json_agg(json_build_array(%(expressions)s))::text"
        return self.as_sql(compiler, connection, template=template)
