"""Distinguishes a database or cache that does not answer from a mistake in a query."""

from __future__ import annotations

from typing import Any

from django.db import Error as DatabaseFault
from django.db import InterfaceError, InternalError, OperationalError

from api_guard.exceptions.faults import is_fault

# Of what each driver calls an OperationalError, a part is a mistake in SQL.
# https://www.sqlite.org/rescode.html: busy, locked, nomem, readonly, ioerr, corrupt, full,
# cantopen, protocol and notadb.
_SQLITE = frozenset({5, 6, 7, 8, 10, 11, 13, 14, 15, 26})
# Connections, resources, limits, locks, read-only; from 2000 on it is the client who says so.
# https://mariadb.com/docs/server/reference/error-codes
_MYSQL = frozenset(
    {1021, 1037, 1038, 1040, 1041, 1042, 1043, 1044, 1045, 1049, 1053, 1077, 1078, 1079, 1080}
    | {1081, 1114, 1129, 1130, 1135, 1152, 1158, 1159, 1160, 1161, 1184, 1203, 1205, 1213, 1226}
    | {1290, 1317, 1429, 1792, 1836, 1927, 1969, 3024}
)
_MYSQL_CLIENT = 2000
# https://www.postgresql.org/docs/current/errcodes-appendix.html: connection, rollback, resources,
# operator intervention, system error; a lock that was not waited for; and read-only transactions,
# as in a server that is a standby now.
_POSTGRESQL = ("08", "40", "53", "57", "58", "55P03", "25006")


def is_outage(error: BaseException) -> bool:
    """Whether `error` says that a database or a cache is unreachable or cannot answer.

    This is narrower than `is_fault`: a missing table is a mistake in the code, not an outage.
    """
    if isinstance(error, OperationalError):
        return _is_operational(error.__cause__ or error)
    if isinstance(error, InternalError):
        return str(getattr(error.__cause__, "sqlstate", "")).startswith(_POSTGRESQL)
    if isinstance(error, InterfaceError):  # the connection was lost
        return type(error.__cause__).__module__ != "sqlite3"
    if isinstance(error, OSError):
        return isinstance(error, (ConnectionError, TimeoutError))
    return not isinstance(error, DatabaseFault) and is_fault(error)


def _is_operational(said: Any) -> bool:
    code = getattr(said, "sqlite_errorcode", None)
    if isinstance(code, int):
        return code & 0xFF in _SQLITE
    state = getattr(said, "sqlstate", None)
    if isinstance(state, str):
        return state.startswith(_POSTGRESQL)
    number = said.args[0] if said.args else None
    # Without a code, the connection could not be made.
    return not isinstance(number, int) or number in _MYSQL or number >= _MYSQL_CLIENT
