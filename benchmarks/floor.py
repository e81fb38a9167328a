"""The least that a guarded request can take: bare DRF, and the waits for the database and Redis."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from unittest import mock

from django.db import connection

from api_guard.limits.counters.scripts import Script
from benchmarks.stacks import Waiting


def take_waits_of(call):
    """Let Waiting send the query and the script that `call` sends. Only Redis gets a script."""
    queries, scripts, run = [], [], Script.__call__

    def note_query(execute, sql, params, many, context):
        queries.append((sql, params))
        return execute(sql, params, many, context)

    def note_script(script, keys, arguments):
        scripts.append(partial(run, script, keys, arguments))
        return run(script, keys, arguments)

    with ExitStack() as noted:
        noted.enter_context(connection.execute_wrapper(note_query))
        noted.enter_context(mock.patch.object(Script, "__call__", note_script))
        call()
    [(sql, params)] = queries

    def wait_for_query():
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            cursor.fetchall()

    Waiting.waits = (wait_for_query, *scripts)
