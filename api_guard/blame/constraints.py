"""Reads which constraint broke, and by what, out of what each database says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.db import IntegrityError
from django.db.models import Model

Kind = Literal["check", "key", "null", ""]

# SQLite: UNIQUE constraint failed: notes_note.author_id, notes_note.title
_SQLITE = re.compile(r"(?P<kind>UNIQUE|NOT NULL|CHECK) constraint failed: (?P<what>.*)")
# PostgreSQL: Key (author_id, title)=(1, Tea) already exists.
_POSTGRESQL = re.compile(r"\((?P<columns>[^()]+)\)=\((?P<values>.*)\)", re.DOTALL)
# MySQL and MariaDB, by their numbers. Of several values that are not unique, they join the text.
_MYSQL: dict[int, tuple[Kind, re.Pattern[str]]] = {
    1048: ("null", re.compile(r"Column '(?P<column>[^']+)'")),
    1062: ("key", re.compile(r"'(?P<value>.*)' for key '(?:[^.']+\.)?(?P<name>[^']+)'", re.DOTALL)),
    1452: ("key", re.compile(r"FOREIGN KEY \(`(?P<column>[^`]+)`\)")),
    3819: ("check", re.compile(r"constraint '(?P<name>[^']+)'")),
    4025: ("check", re.compile(r"CONSTRAINT `(?P<name>[^`]+)`")),
}


@dataclass(frozen=True)
class Broken:
    """A constraint that did not hold: its kind, its name or its columns, and the values at fault.

    What a database does not say is empty.
    """

    kind: Kind = ""
    name: str = ""
    columns: tuple[str, ...] = ()
    values: tuple[str, ...] = ()

    def columns_in(self, model: type[Model]) -> frozenset[str]:
        """Return its columns; where the database said its name alone, as the model has it."""
        if self.columns or not self.name:
            return frozenset(self.columns)
        names: dict[str, Sequence[str]] = {
            constraint.name: getattr(constraint, "fields", ())
            for constraint in model._meta.constraints
        }
        # Django gives those of unique_together a name; an index of one column has the column's.
        together = [name for group in model._meta.unique_together for name in group]
        fields = names.get(self.name, together if self.name.endswith("_uniq") else [])
        columns = (getattr(model._meta.get_field(name), "column", "") for name in fields)
        return frozenset({self.name, *columns})


def broken_constraint(error: IntegrityError) -> Broken:
    """Return what the database says of the constraint that broke."""
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
    match = _POSTGRESQL.search(diagnostics.message_detail or "")
    if match is not None:
        columns, values = match["columns"].split(", "), match["values"].split(", ")
        return Broken("key", columns=tuple(columns), values=tuple(values))
    return Broken("check", diagnostics.constraint_name or "")


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
    columns = tuple(name.rpartition(".")[2] for name in match["what"].split(", "))
    return Broken("null" if match["kind"] == "NOT NULL" else "key", columns=columns)
