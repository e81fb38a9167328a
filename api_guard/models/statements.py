"""Compiles the SQL of a queryset once, for queries that run on every request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connections, models, router
from django.db.models import Expression, Field, Model, QuerySet

_CONVERTERS = "_api_guard_converters"
_PLACE = re.compile("%%|%s")
_AWARE = "DatabaseOperations.convert_datetimefield_value"

# Every database accepts values of these types for these fields without a conversion.
_AS_IT_IS: dict[type[Field[Any, Any]], type] = {
    models.AutoField: int,
    models.BigAutoField: int,
    models.SmallAutoField: int,
    models.IntegerField: int,
    models.BigIntegerField: int,
    models.CharField: str,
    models.TextField: str,
}


class Parameter(Expression):
    """A placeholder in a queryset. Its value is known only when the statement runs."""

    def __init__(self, name: str, field: Field[Any, Any]) -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Return the parameter itself as the parameter of the SQL."""
        del compiler, connection
        return "%s", (self,)


@dataclass(frozen=True)
class _Compiled:
    """SQL with named placeholders, its parameters, and its constant values.

    A parameter has a name, a field, and the type of a value that needs no conversion.
    """

    sql: str
    parameters: tuple[tuple[str, Field[Any, Any], type | None], ...]
    constants: Mapping[str, Any]
    columns: tuple[Any, ...]


class Statement:
    """A `values_list` queryset that contains Parameters.

    Django takes several times longer to build and compile a queryset than to run it. `build` makes
    the queryset of `model` and is called once for each database. The statement reads from the
    database that `model` is written to: in a replica, a revoked grant may still be live.
    """

    def __init__(self, model: type[Model], build: Callable[[], QuerySet[Any, Any]]) -> None:
        self._model = model
        self._build = build
        # By alias. It must not keep a connection: each thread has its own, and under ASGI each
        # request.
        self._compiled: dict[str, _Compiled] = {}

    def rows(self, values: Mapping[str, object]) -> list[list[Any]]:
        """Run the statement with these values for its parameters, and return the rows."""
        alias = router.db_for_write(self._model)
        connection: Any = connections[alias]
        compiled = self._compiled.get(alias)
        if compiled is None:
            compiled = self._compiled[alias] = _compile(self._build(), connection)
        bound = {**compiled.constants}
        for name, field, as_it_is in compiled.parameters:
            value = values[name]
            bound[name] = value if type(value) is as_it_is else _bind(field, value, connection)
        with connection.cursor() as cursor:
            cursor.execute(compiled.sql, bound)
            found = [list(row) for row in cursor.fetchall()]
        if found:
            _convert(found, compiled, connection)
        return found


def _compile(queryset: QuerySet[Any, Any], connection: Any) -> _Compiled:
    compiler: Any = queryset.query.get_compiler(connection=connection)
    sql, given = compiler.as_sql()
    # By name, so that a value that the SQL uses several times is sent once.
    parameters: dict[str, Parameter] = {}
    constants: dict[str, Any] = {}
    places = iter(list(_places(given, parameters, constants)))
    named = _PLACE.sub(lambda found: next(places) if found[0] == "%s" else "%%", sql)
    columns = tuple(column for column, _, _ in compiler.select)
    fields = {name: each.output_field for name, each in parameters.items()}
    said = tuple((name, field, _as_it_is(field)) for name, field in fields.items())
    return _Compiled(named, said, constants, columns)


def _places(
    given: tuple[Any, ...], parameters: dict[str, Parameter], constants: dict[str, Any]
) -> Iterator[str]:
    for number, value in enumerate(given):
        name = value.name if isinstance(value, Parameter) else f"constant{number}"
        if isinstance(value, Parameter):
            parameters[name] = value
        else:
            constants[name] = value
        yield f"%({name})s"


def _convert(rows: list[list[Any]], compiled: _Compiled, connection: Any) -> None:
    for position, column, converters, is_of_value in _converters(compiled, connection):
        for row in rows:
            value = row[position]
            if value is None and is_of_value:
                continue
            for convert in converters:
                value = convert(value, column, connection)
            row[position] = value


def _converters(compiled: _Compiled, connection: Any) -> list[tuple[int, Any, list[Any], bool]]:
    """Return the converters of each column, for example from SQLite's text to a datetime.

    The cache is on the connection, because the converters refer to it. Django's database converters
    return None for None. The converters of a field may not.
    """
    kept = vars(connection).setdefault(_CONVERTERS, {})
    # On MySQL, USE_TZ decides how datetimes are converted, and a test may change it.
    uses_tz = settings.USE_TZ
    key = (compiled.sql, uses_tz)
    if key not in kept:
        found = (
            (position, column, [*of_database, *own], not own)
            for position, column in enumerate(compiled.columns)
            for of_database in [
                [_quicker(each, uses_tz) for each in connection.ops.get_db_converters(column)]
            ]
            for own in [column.get_db_converters(connection)]
        )
        kept[key] = [each for each in found if each[2]]
    return kept[key]  # type: ignore[no-any-return]


def _quicker(convert: Any, uses_tz: bool) -> Any:
    """Return the converter, or one that converts naive datetimes five times faster."""
    if not uses_tz or getattr(convert, "__qualname__", "") != _AWARE:
        return convert

    def to_moment(value: Any, column: Any, connection: Any) -> Any:
        if type(value) is datetime and value.tzinfo is None:
            return value.replace(tzinfo=connection.timezone)
        return convert(value, column, connection)

    return to_moment


def _as_it_is(field: Field[Any, Any]) -> type | None:
    """Return the type of a value that the database accepts for a field without a conversion."""
    for kind, accepted in _AS_IT_IS.items():
        names = ("get_db_prep_value", "get_prep_value", "to_python")
        if isinstance(field, kind) and all(
            getattr(type(field), name) is getattr(kind, name) for name in names
        ):
            return accepted
    return None


def _bind(field: Field[Any, Any], value: Any, connection: Any) -> Any:
    is_moment = type(field) is models.DateTimeField and type(value) is datetime
    if is_moment and value.tzinfo is not None and settings.USE_TZ:
        # get_prep_value() would not change this value.
        return connection.ops.adapt_datetimefield_value(value)
    return field.get_db_prep_value(value, connection)
