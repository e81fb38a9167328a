"""Reads from a database error which constraint was broken, and by which values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from django.db import IntegrityError
from django.db.models import Model

from api_guard.input.client_errors.columns import base_fields, fields_of_constraint

Kind = Literal["check", "key", "null", ""]

# SQLite: UNIQUE constraint failed: notes_note.author_id, notes_note.title
_SQLITE = re.compile(r"(?P<kind>UNIQUE|NOT NULL|CHECK) constraint failed: (?P<what>.*)", re.DOTALL)
# For a key of several expressions, it names only the index.
_SQLITE_INDEX = re.compile(r"index '(?P<name>[^']+)'")
# PostgreSQL: Key (author_id, title)=(1, Tea) already exists.
_POSTGRESQL = re.compile(r"\((?P<columns>[^()]+)\)=\((?P<values>.*)\)", re.DOTALL)
_POSTGRESQL_CHECK = "23514"
_POSTGRESQL_KEYS = ("23505", "23P01")  # unique_violation, exclusion_violation
# MySQL and MariaDB, by error number. They join several values into one text.
_MYSQL: dict[int, tuple[Kind, re.Pattern[str]]] = {
    1048: ("null", re.compile(r"Column '(?P<column>[^']+)'")),
    1062: ("key", re.compile(r"'(?P<value>.*)' for key '(?:[^.']+\.)?(?P<name>[^']+)'", re.DOTALL)),
    1452: ("key", re.compile(r"FOREIGN KEY \(`(?P<column>[^`]+)`\)")),
    3819: ("check", re.compile(r"constraint '(?P<name>[^']+)'")),
    4025: ("check", re.compile(r"CONSTRAINT `(?P<name>[^`]+)`")),
}


@dataclass(frozen=True)
class Broken:
    """A broken constraint: its kind, its name or its columns, and the wrong values.

    A field is empty if the database does not tell it.
    """

    kind: Kind = ""
    name: str = ""
    columns: tuple[str, ...] = ()
    values: tuple[str, ...] = ()

    def columns_in(self, model: type[Model]) -> frozenset[str]:
        """Return its columns. If the database told only the name, look it up in the model."""
        if self.columns or not self.name:
            return frozenset(self.columns)
        constraints = {each.name: each for cls in _tables(model) for each in cls._meta.constraints}
        # Django names the constraints of unique_together. An index of one column has its name.
        together = [name for group in model._meta.unique_together for name in group]
        fields = together if self.name.endswith("_uniq") else []
        if self.name in constraints:
            fields = fields_of_constraint(constraints[self.name])
        columns = {field.name: field.column or "" for field in model._meta.concrete_fields}
        return frozenset({self.name, *(columns[name] for name in fields if name in columns)})

    def fields_in(self, model: type[Model]) -> frozenset[str]:
        """Return the names of its fields. For a generated field, return its source fields."""
        columns = self.columns_in(model) | self._columns_of_types(model)
        fields = model._meta.concrete_fields
        return base_fields(model, [field.name for field in fields if field.column in columns])

    def _columns_of_types(self, model: type[Model]) -> set[str]:
        """Return the column of a check that Django made, for example for positive numbers."""
        if self.kind != "check":
            return set()
        # SQLite tells the condition, MariaDB `table.column`, PostgreSQL a name made from both.
        found = set()
        for field in model._meta.concrete_fields:
            column, table = field.column or "", field.model._meta.db_table
            names = (f"{table}.{column}", f"{table}_{column}_check")
            if f'"{column}"' in self.name or self.name in names:
                found.add(column)
        return found


def _tables(model: type[Model]) -> list[type[Model]]:
    return [cls for cls in model.__mro__ if hasattr(cls, "_meta")]


def broken_constraint(error: IntegrityError) -> Broken:
    """Return the broken constraint, from the error of the database."""
    cause = error.__cause__
    diagnostics = getattr(cause, "diag", None)
    if diagnostics is not None:
        return _of_postgresql(diagnostics)
    match error.args:
        case (int(number), str(text)) if number in _MYSQL:
            return _of_mysql(number, text)
    return _of_sqlite(str(error))


def _of_postgresql(diagnostics: Any) -> Broken:
    if diagnostics.column_name:
        return Broken("null", columns=(diagnostics.column_name,))
    state = getattr(diagnostics, "sqlstate", "")
    match = _POSTGRESQL.search(diagnostics.message_detail or "")
    # The details of a check contain the whole row, also values that are not wrong.
    if match is not None and state != _POSTGRESQL_CHECK:
        columns, values = match["columns"].split(", "), match["values"].split(", ")
        return Broken("key", columns=tuple(columns), values=tuple(values))
    # The error for a key of expressions has no columns, and may have no values.
    kind: Kind = "key" if state in _POSTGRESQL_KEYS else "check"
    return Broken(kind, diagnostics.constraint_name or "")


def _of_mysql(number: int, text: str) -> Broken:
    kind, pattern = _MYSQL[number]
    match = pattern.search(text)
    found = match.groupdict() if match is not None else {}
    one = {name: (found[name],) if name in found else () for name in ("column", "value")}
    return Broken(kind, found.get("name", ""), one["column"], one["value"])


def _of_sqlite(text: str) -> Broken:
    match = _SQLITE.match(text)
    if match is None:
        return Broken()
    if match["kind"] == "CHECK":
        return Broken("check", match["what"])
    index = _SQLITE_INDEX.fullmatch(match["what"])
    if index is not None:
        return Broken("key", index["name"])
    columns = tuple(name.rpartition(".")[2] for name in match["what"].split(", "))
    return Broken("null" if match["kind"] == "NOT NULL" else "key", columns=columns)
