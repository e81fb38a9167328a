"""Reads the grants of a caller in the query that finds its token: one query for both."""

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
from api_guard.grants.bundles import with_bundles
from api_guard.grants.grantees import Sides, values_of_everyone
from api_guard.grants.overrides import live_overrides
from api_guard.grants.reading import (
    LiveGrant,
    as_granted,
    as_live,
    columns_of,
    database,
    live_rows,
)

# The columns of an override. Those of a grant are more.
_OVERRIDE = ("limit", "name")
# The database writes the JSON itself: there are no spaces or other texts around it.
_decode = json.JSONDecoder().raw_decode
# The other databases do not use their indexes for a correlated subquery.
_VENDORS = ("postgresql", "sqlite")


@dataclass(frozen=True)
class Asked:
    """The scopes and the rate overrides, by name, that a request will need to know."""

    scopes: tuple[str, ...] = ()
    rates: tuple[str, ...] = ()


@dataclass(frozen=True)
class Held:
    """The grants and overrides that were asked for, of a user, a client or both."""

    asked: Asked
    user: models.Model | None
    client_id: object
    granted: Granted
    rows: tuple[LiveGrant, ...]
    overrides: tuple[Override, ...]


@dataclass(frozen=True, eq=False)
class Beside:
    """Columns that read so many scopes and rates, for a query of the database `alias`.

    `sides` names the lookups of the user's and the client's primary keys in that query.
    """

    sides: Sides
    scopes: int
    rates: int

    @classmethod
    def of(cls, asked: Asked, user_model: Any, outer: tuple[str, str], alias: str) -> Beside | None:
        """Return the columns, or None if there is nothing to ask or one query cannot do it."""
        if not (asked.scopes or asked.rates) or alias != database():
            return None
        vendor = connections[alias].vendor
        if vendor not in _VENDORS:
            return None
        has_everyone = conf.everyone_group() is not None
        sensitive = len(conf.sensitive_scopes()) if has_everyone else 0
        sides = Sides(user_model, True, has_everyone, vendor, sensitive, conf.has_bundles(), outer)
        return _shared(sides, len(with_bundles(asked.scopes)), len(asked.rates))

    def values(self, asked: Asked) -> dict[str, object]:
        """Return the values of the parameters in the columns."""
        return {
            "now": timezone.now(),
            **(values_of_everyone() if self.sides.has_everyone else {}),
            **{f"scope{number}": name for number, name in enumerate(with_bundles(asked.scopes))},
            **{f"rate{number}": name for number, name in enumerate(asked.rates)},
        }

    def columns(self) -> list[Subquery]:
        """Return the columns. Each contains a list of rows in JSON, or null."""
        found = []
        if self.scopes:
            found += live_rows(self.sides, self.scopes, _Listed(*columns_of(self.sides)))
        if self.rates:
            found += live_overrides(self.sides, self.rates, _Listed(*_OVERRIDE))
        return [Subquery(each) for each in found]

    def read(
        self, asked: Asked, user: models.Model | None, client_id: object, found: Sequence[Any]
    ) -> Held | None:
        """Return the grants and overrides in the columns, or None if the columns do not fit."""
        if user is None and self.sides.has_everyone:
            return None  # the columns contain everyone's grants, which are only for users
        rows: list[list[Any]] = []
        overrides: list[Override] = []
        for text in found:
            for row in _decode(text)[0] if text and text != "[]" else ():
                if len(row) == len(_OVERRIDE):
                    limit, name = row
                    overrides.append(Override(name, limit))
                else:
                    rows.append(row)
        live = as_live(rows)
        given = as_granted(user, client_id, live)
        return Held(asked, user, client_id, given, live, tuple(overrides))


@cache
def _shared(sides: Sides, scopes: int, rates: int) -> Beside:
    # One object for each combination, because caches find it by identity.
    return Beside(sides, scopes, rates)


class _Listed(Func):
    """All rows of a query in one value, as JSON."""

    output_field: Any = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> Any:
        return self.as_sql(
            compiler, connection, template="json_group_array(json_array(%(expressions)s))"
        )

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        template = "json_agg(json_build_array(%(expressions)s))::text"
        return self.as_sql(compiler, connection, template=template)
