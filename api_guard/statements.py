"""Compiles the SQL of a queryset once, for the queries that every request makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connections, router
from django.db.models import Expression, Field, Model, QuerySet

_CONVERTERS = "_api_guard_converters"


class Parameter(Expression):
    """A place in a queryset for a value that is known only when the statement runs."""

    def __init__(self, name: str, field: Field[Any, Any]) -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Leave the parameter itself among the parameters of the SQL."""
        del compiler, connection
        return "%s", (self,)


@dataclass(frozen=True)
class _Compiled:
    sql: str
    parameters: tuple[Any, ...]
    columns: tuple[Any, ...]


class Statement:
    """A `values_list` queryset with Parameters in it.

    Building and compiling a queryset takes Django several times as long as running it, and these
    run with every request. `build` makes the queryset of `model`; it is called once for each
    database. The one that `model` is written to is asked: what was revoked may live on in a
    replica for as long as that lags.
    """

    def __init__(self, model: type[Model], build: Callable[[], QuerySet[Any, Any]]) -> None:
        self._model = model
        self._build = build
        # By alias, and nothing in it that holds a connection: each thread has its own, and under
        # ASGI each request.
        self._compiled: dict[str, _Compiled] = {}

    def rows(self, values: Mapping[str, object]) -> list[list[Any]]:
        """Run the statement with these values for its parameters, and return the rows."""
        alias = router.db_for_write(self._model)
        connection: Any = connections[alias]
        compiled = self._compiled.get(alias)
        if compiled is None:
            compiled = self._compiled[alias] = _compile(self._build(), connection)
        bound = [_bind(parameter, values, connection) for parameter in compiled.parameters]
        with connection.cursor() as cursor:
            cursor.execute(compiled.sql, bound)
            found = [list(row) for row in cursor.fetchall()]
        for position, column, converters in _converters(compiled, connection) if found else ():
            for row in found:
                for convert in converters:
                    row[position] = convert(row[position], column, connection)
        return found


def _compile(queryset: QuerySet[Any, Any], connection: Any) -> _Compiled:
    compiler: Any = queryset.query.get_compiler(connection=connection)
    sql, parameters = compiler.as_sql()
    return _Compiled(sql, tuple(parameters), tuple(column for column, _, _ in compiler.select))


def _converters(compiled: _Compiled, connection: Any) -> list[tuple[int, Any, list[Any]]]:
    """Return what makes a datetime of SQLite's text, and a UUID of its hexadecimal digits.

    They are kept on the connection, which they hold.
    """
    kept = vars(connection).setdefault(_CONVERTERS, {})
    # Of MySQL's moments the setting decides what they are made of, and a test may change it.
    key = (compiled.sql, settings.USE_TZ)
    if key not in kept:
        found = (
            (position, column, [*connection.ops.get_db_converters(column), *own])
            for position, column in enumerate(compiled.columns)
            for own in [column.get_db_converters(connection)]
        )
        kept[key] = [each for each in found if each[2]]
    return kept[key]  # type: ignore[no-any-return]


def _bind(parameter: Any, values: Mapping[str, object], connection: Any) -> Any:
    if not isinstance(parameter, Parameter):
        return parameter
    return parameter.output_field.get_db_prep_value(values[parameter.name], connection)
