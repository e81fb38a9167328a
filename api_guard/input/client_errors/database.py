"""Decides if a value of the client caused a database error."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any

from django.db import (
    DataError,
    IntegrityError,
    InternalError,
    OperationalError,
    ProgrammingError,
)

from api_guard.input.client_errors.cells import Cell, Row, is_odd, rows_in
from api_guard.input.client_errors.constraints import Broken, broken_constraint
from api_guard.input.client_errors.frames import local, module_of
from api_guard.input.client_errors.sent import Sent
from api_guard.input.client_errors.updates import updated_in

_EXECUTES = frozenset({"execute", "executemany", "_execute", "_executemany"})
# The start of driver errors for a value that they cannot convert.
_NO_FORM = ("cannot adapt", "Error binding parameter")
# The error of SQLite if Django's regex function fails, for example for a broken pattern.
_NO_PATTERN = "user-defined function raised exception"
# A driver raises TypeError for a value that it cannot convert.
_OF_VALUES = (DataError, InternalError, OperationalError, ProgrammingError, TypeError)
# The errors of MariaDB and MySQL for a pattern.
_NO_PATTERNS = frozenset({1139, *range(3685, 3701)})
# The parts of PostgreSQL that parse a value, of a search or of a mapping, and not the statement.
_READS_TEXT = frozenset({"tsquery.c", "tsvector_parser.c", "hstore_io.c"})
# The error of PostgreSQL for a value of another type than its column.
_OTHER_TYPE = frozenset({"42804", "42846"})
# The error of PostgreSQL for an operator that does not exist. psycopg chooses the type of the right
# side from the type of the value.
_NO_OPERATOR = re.compile(r"operator does not exist: ((\S*range|interval) \S+ |.* = hstore\b)")
# The error of MySQL for an integer out of range. Django turns it into an IntegrityError.
_OUT_OF_RANGE = 1690


def statement_in(frames: Iterable[FrameType]) -> Any:
    """Return the parameters of the failed statement, or None if no statement was running."""
    for frame in frames:
        if module_of(frame).startswith("django.db.backends") and frame.f_code.co_name in _EXECUTES:
            return local(frame, "params", "param_list") or ()
    return None


def is_data_sent(error: Exception, params: Any, frames: list[FrameType], sent: Sent) -> bool:
    """Whether the client sent the values that the database refused."""
    rows = rows_in(frames)
    misfits = [cell for row in rows for cell in row.misfits()]
    if misfits:
        return all(sent.holds_as(cell.names, cell.value) for cell in misfits)
    flat = list(_flat(params))
    odd = [value for value in flat if is_odd(value)]
    names_no_value = isinstance(error, _OF_VALUES) or is_out_of_range(error)
    if odd or not names_no_value:
        return bool(odd) and all(map(sent.holds, odd))
    if rows:
        return _are_of_client([cell for row in rows for cell in _dubious(row)], sent)
    # A constant of the view would fail for every client.
    is_sent = any(sent.holds_read((), value) for value in flat)
    return is_sent or _is_update_sent(frames, sent)


def is_of_value(error: Exception) -> bool:
    """Whether the error is about a value, and not about the statement."""
    diagnostics = getattr(error.__cause__, "diag", None)
    if getattr(diagnostics, "source_file", None) in _READS_TEXT:
        return True
    if getattr(diagnostics, "sqlstate", None) in _OTHER_TYPE:
        return True
    if _NO_OPERATOR.match(str(error)):
        return True
    if any(error.args[:1] == (number,) for number in _NO_PATTERNS):
        return True
    return str(error).startswith((*_NO_FORM, _NO_PATTERN))


def is_out_of_range(error: Exception) -> bool:
    """Whether the error is about a number out of range."""
    return error.args[:1] == (_OUT_OF_RANGE,)


def is_integrity_sent(error: IntegrityError, frames: list[FrameType], sent: Sent) -> bool:
    """Whether a value of the client broke a constraint."""
    broken = broken_constraint(error)
    rows = rows_in(frames)
    if not rows:
        return any(map(sent.holds, broken.values)) or _is_update_sent(frames, sent, broken)
    if len(rows) > 1 and broken.kind != "key":
        return False  # the error does not tell the row
    return any(_is_broken_by_client(broken, row, sent) for row in rows)


def _is_update_sent(frames: list[FrameType], sent: Sent, broken: Broken | None = None) -> bool:
    """Whether the client sent a value that `update()` was writing, into a field of `broken`."""
    updated = updated_in(frames, broken)
    return any(sent.holds_as((field.name, field.attname), value) for field, value in updated)


def _is_broken_by_client(broken: Broken, row: Row, sent: Sent) -> bool:
    named = broken.fields_in(type(row.instance))
    cells = [cell for cell in row.cells() if cell.field.name in named]
    match broken.kind:
        case "check":
            # Without a name in the model, Django made the constraint from the column's type.
            return _are_of_client(cells or list(row.misfits()) or list(_dubious(row)), sent)
        case "null":
            # null alone proves nothing: the client must have sent it under this name.
            return bool(cells) and all(sent.holds_as(cell.names, None) for cell in cells)
    filled = [cell for cell in cells if cell.value is not None]
    return any(sent.holds_as(cell.names, cell.value) for cell in filled)


def _are_of_client(cells: list[Cell], sent: Sent) -> bool:
    """Whether the client sent each value that is not a default or stored, and at least one."""
    chosen = [cell for cell in cells if not cell.is_left]
    return bool(chosen) and all(sent.holds_as(cell.names, cell.value) for cell in chosen)


def _dubious(row: Row) -> Iterator[Cell]:
    """Yield the cells that a database may have refused, if the error does not tell which."""
    sources = row.sources()
    for cell in row.cells():
        if cell.field.name in sources or not cell.is_harmless:
            yield cell


def _flat(params: Any) -> Iterator[object]:
    for value in params.values() if isinstance(params, dict) else params:
        if isinstance(value, (list, tuple)):
            yield from _flat(value)
        else:
            # A driver wraps some values, such as JSON.
            yield getattr(value, "obj", value)
