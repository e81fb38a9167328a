"""Exact limits, and a revoke that the next request meets, behind what a large site has."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.deployed.servers import ask, environment, pgbouncer, run, served
from tests.deployed.urls import LIMIT
from tests.faults.caches import redis
from tests.replica.clusters import lagging

ENGINE = "django.db.backends.postgresql"
LOCAL = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
PREPARED = {"server_side_binding": True, "prepare_threshold": 1}


@pytest.fixture(scope="module")
def databases():
    """Return the ways to one PostgreSQL, by name."""
    with lagging(1) as (sockets, _):
        direct = {"ENGINE": ENGINE, "HOST": str(sockets), "NAME": "postgres", "USER": "postgres"}
        run(["django", "migrate", "-v", "0"], environment(direct, LOCAL))
        with pgbouncer(sockets) as port:
            yield {
                "direct": {**direct, "OPTIONS": PREPARED, "CONN_MAX_AGE": 60},
                "pgbouncer": {
                    **direct,
                    "HOST": "127.0.0.1",
                    "PORT": port,
                    "CONN_MAX_AGE": 60,
                    "DISABLE_SERVER_SIDE_CURSORS": True,
                },
                "pool": {**direct, "OPTIONS": {"pool": {"min_size": 1, "max_size": 4}}},
                "pool, prepared": {**direct, "OPTIONS": {**PREPARED, "pool": True}},
            }


# A server has threads or an event loop; each way to the database is taken by one of them.
@pytest.mark.parametrize(
    ("server", "way"),
    [
        ("gunicorn", "direct"),
        ("gunicorn", "pgbouncer"),
        ("uvicorn", "pool"),
        ("gunicorn", "pool, prepared"),
    ],
)
def test_limits_are_exact_and_what_is_revoked_is_refused_at_once(databases, server, way):
    if way.startswith("pool"):
        pytest.importorskip("psycopg_pool")
    with ExitStack() as stack:
        cache = redis()
        stack.callback(cache.stop)
        location = f"redis://127.0.0.1:{cache.start().port}/0"
        backend = "django.core.cache.backends.redis.RedisCache"
        env = environment(databases[way], {"BACKEND": backend, "LOCATION": location})
        run(["tests.deployed"], env)
        port = stack.enter_context(served(server, env))

        with ThreadPoolExecutor(12) as pool:
            statuses = list(pool.map(lambda _: ask(port, "/counted"), range(LIMIT + 100)))
        assert (statuses.count(200), statuses.count(429)) == (LIMIT, 100)

        told = asked_while(port, lambda: run(["tests.deployed.revoking"], env))
        # Who sends a bad token too often is told so.
        for token, refused in (("by-grant", {403}), ("by-token", {401, 429})):
            before, after = told[token]
            assert before, told
            assert set(before) == {200}
            assert after, told
            assert set(after) <= refused


def asked_while(port, act):
    """Return, by token, the statuses of what was answered before an act and of what began after."""
    until, answers = threading.Event(), []

    def hammer(token):
        while not until.is_set():
            began = time.monotonic()
            status = ask(port, "/granted", token)
            answers.append((token, began, time.monotonic(), status))

    tokens = ("by-grant", "by-token")
    with ThreadPoolExecutor(6) as pool:
        hammers = [pool.submit(hammer, tokens[number % 2]) for number in range(6)]
        try:
            time.sleep(1)
            started = time.monotonic()
            act()
            done = time.monotonic()
            time.sleep(1)
        finally:
            until.set()
    for each in hammers:
        each.result()
    return {
        token: (
            [status for name, _, ended, status in answers if name == token and ended < started],
            [status for name, began, _, status in answers if name == token and began > done],
        )
        for token in tokens
    }
