"""Checks that connections have timeouts."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage

# A part of the backend's path (also PostGIS), the option, and the environment variable for it.
_BOUNDS = {"postg": ("connect_timeout", "PGCONNECT_TIMEOUT"), "mysql": ("connect_timeout", "")}
# These name a file that may set it, which no check reads.
_ELSEWHERE = {"service", "read_default_file"}


def check_databases(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """W080: connections to databases have a timeout."""
    del app_configs
    found: list[CheckMessage] = []
    databases: dict[str, Any] = dict(settings.DATABASES)
    for alias, database in databases.items():
        bound = _missing_bound(database)
        if bound is not None:
            found.append(
                checks.Warning(
                    f"DATABASES[{alias!r}] sets no {bound}: if the server hangs or its host is "
                    "gone, requests wait without a limit.",
                    hint=f'DATABASES[{alias!r}]["OPTIONS"] = {{"{bound}": 3}}; see '
                    "docs/timeouts.md for the other timeouts.",
                    id="api_guard.W080",
                )
            )
    return found


def _missing_bound(database: dict[str, Any]) -> str | None:
    """Return the missing timeout option of a database on the network, or None."""
    engine = str(database.get("ENGINE", ""))
    bounds = (pair for name, pair in _BOUNDS.items() if name in engine)
    bound, variable = next(bounds, ("", ""))
    options = database.get("OPTIONS") or {}
    host = str(database.get("HOST") or options.get("host") or options.get("hostaddr") or "")
    if variable:
        host = host or os.environ.get("PGHOST") or os.environ.get("PGHOSTADDR") or ""
    if not bound or not host or host.startswith("/") or _ELSEWHERE & options.keys():
        return None
    if variable and os.environ.get(variable):
        return None
    return None if options.get(bound) else bound
