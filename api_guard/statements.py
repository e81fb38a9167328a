"""Compiles the SQL of a queryset once, for the queries that every request makes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from django.db import connections, router
from django.db.models import Expression, Field, Model, QuerySet


class Parameter(Expression):
    """A place in a queryset for a value that is known only when the statement runs."""

    def __init__(self, name: str, field: Field[Any, Any]) -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Leave the parameter itself among the parameters of the SQL."""
        del compiler, connection
        return "%s", (self,)


class Statement:
    """A `values_list` queryset with Parameters in it.

    Building and compiling a queryset takes Django several times as long as running it, and these
    run with every request. `build` makes the queryset of `model`; it is called once for each
    connection, to which the router leads as it would lead the queryset.
    """

    def __init__(self, model: type[Model], build: Callable[[], QuerySet[Any, Any]]) -> None:
        self._model = model
        self._build = build
        self._compiled: WeakKeyDictionary[Any, _Compiled] = WeakKeyDictionary()

    def rows(self, values: Mapping[str, object]) -> list[list[Any]]:
        """Run the statement with these values for its parameters, and return the rows."""
        connection: Any = connections[router.db_for_read(self._model)]
        compiled = self._compiled.get(connection)
        if compiled is None:
            compiled = self._compiled[connection] = _compile(self._build(), connection)
        bound = [_bind(parameter, values, connection) for parameter in compiled.parameters]
        with connection.cursor() as cursor:
            cursor.execute(compiled.sql, bound)
            return [list(row) for row in compiled.convert(cursor.fetchall())]


@dataclass(frozen=True)
class _Compiled:
    sql: str
    parameters: tuple[Any, ...]
    convert: Callable[[Iterable[Any]], Iterable[Any]]


def _compile(queryset: QuerySet[Any, Any], connection: Any) -> _Compiled:
    compiler: Any = queryset.query.get_compiler(connection=connection)
    sql, parameters = compiler.as_sql()
    # What makes a datetime of SQLite's text, and an UUID of its hexadecimal digits.
    converters = compiler.get_converters([column for column, _, _ in compiler.select])
    return _Compiled(
        sql, tuple(parameters), lambda rows: compiler.apply_converters(rows, converters)
    )


def _bind(parameter: Any, values: Mapping[str, object], connection: Any) -> Any:
    if not isinstance(parameter, Parameter):
        return parameter
    return parameter.output_field.get_db_prep_value(values[parameter.name], connection)
