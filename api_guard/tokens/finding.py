"""Finds an access token with its user and its client, in one query."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Hashable, Mapping, Sequence
from functools import cache
from typing import Any, Protocol

from django.apps import apps
from django.db import router
from django.db.models import F, QuerySet
from oauth2_provider.settings import oauth2_settings

from api_guard.models.statements import Parameter, Statement
from api_guard.tokens.rows import Columns, relate

# RFC 6750 §2.1: b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)
_LONGEST = 4096


def is_well_formed(token: str) -> bool:
    """Whether `token` has the syntax of a bearer token."""
    return len(token) <= _LONGEST and _TOKEN.fullmatch(token) is not None


def checksum(token: str) -> str:
    """Return the checksum by which the database finds a well-formed token."""
    return hashlib.sha256(token.encode("ascii")).hexdigest()


@cache
def _token_model(name: str) -> Any:
    """Return the model with this name. The cache saves a dozen calls of the registry."""
    return apps.get_model(name)


def database() -> str:
    """Return the alias of the database that tokens are written to."""
    return router.db_for_write(_token_model(oauth2_settings.ACCESS_TOKEN_MODEL))


class Beside(Hashable, Protocol):
    """Columns that are read together with a token. Each object has its own cached statement."""

    def columns(self) -> list[Any]:
        """Return expressions for a query of tokens."""


def find(token: str) -> Any:
    """Return the access token with its user and its client, or None."""
    return find_beside(token, None, {})[0]


def find_beside(
    token: str, beside: Beside | None, values: Mapping[str, object]
) -> tuple[Any, Sequence[Any]]:
    """Return the result of `find` and the values of the columns `beside`.

    `values` are the values of the parameters in those columns.
    """
    if not is_well_formed(token):
        return None, ()
    statement, columns = _statement(_token_model(oauth2_settings.ACCESS_TOKEN_MODEL), beside)
    for row in statement.rows({**values, "checksum": checksum(token)}):
        found, user, client = [each.instance(row) for each in columns]
        relate(found, "user", user)
        relate(found, "application", client)
        return found, row[columns[-1].stop :]
    return None, ()


@cache
def _statement(token_model: Any, beside: Beside | None) -> tuple[Statement, tuple[Columns, ...]]:
    """Return the statement, and the positions of token, user and client in its rows."""
    related = {name: _model_at(token_model, name) for name in ("user", "application")}
    columns = [Columns(token_model, 0)]
    for model in related.values():
        columns.append(Columns(model, columns[-1].stop))

    def build() -> QuerySet[Any, Any]:
        names = [field.attname for field in token_model._meta.concrete_fields]
        for name, model in related.items():
            names += [f"{name}__{field.attname}" for field in model._meta.concrete_fields]
        parameter = Parameter("checksum", token_model._meta.get_field("token_checksum"))
        tokens = token_model._default_manager.filter(token_checksum=parameter).order_by()
        # Short names: psycopg parses a query of more than 4,096 characters anew each time.
        short = {f"c{place}": F(name) for place, name in enumerate(names)}
        columns = beside.columns() if beside else ()
        return tokens.annotate(**short).values_list(*short, *columns)  # type: ignore[no-any-return]

    return Statement(token_model, build), tuple(columns)


def _model_at(token_model: Any, name: str) -> Any:
    return token_model._meta.get_field(name).related_model
