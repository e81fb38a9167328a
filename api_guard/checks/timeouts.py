"""Checks that nothing is waited for without an end."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage

# By a part of the backend's path, PostGIS included: the option, and the variable of the environment
# that sets it too.
_BOUNDS = {"postg": ("connect_timeout", "PGCONNECT_TIMEOUT"), "mysql": ("connect_timeout", "")}
# What may name all of it elsewhere, where no check can look.
_ELSEWHERE = {"service", "read_default_file"}


def check_databases(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """W080: no connection to a database is waited for without an end."""
    del app_configs
    found: list[CheckMessage] = []
    databases: dict[str, Any] = dict(settings.DATABASES)
    for alias, database in databases.items():
        bound = _missing_bound(database)
        if bound is not None:
            found.append(
                checks.Warning(
                    f"DATABASES[{alias!r}] sets no {bound}: while the server hangs, or its host is "
                    "gone, requests wait for it without an end.",
                    hint=f'DATABASES[{alias!r}]["OPTIONS"] = {{"{bound}": 3}}; what else to set '
                    "stands in docs/timeouts.md.",
                    id="api_guard.W080",
                )
            )
    return found


def _missing_bound(database: dict[str, Any]) -> str | None:
    """Return the option that a database on the network lacks; None where nothing is missing."""
    engine = str(database.get("ENGINE", ""))
    bounds = (pair for name, pair in _BOUNDS.items() if name in engine)
    bound, variable = next(bounds, ("", ""))
    options = database.get("OPTIONS") or {}
    host = str(database.get("HOST") or options.get("host") or "")
    if not bound or not host or host.startswith("/") or _ELSEWHERE & options.keys():
        return None
    if variable and os.environ.get(variable):
        return None
    return None if options.get(bound) else bound
