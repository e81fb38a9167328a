"""Each store stops, hangs, slows down and fills up: what is answered, how soon, and what then."""

from __future__ import annotations

import json
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial

import psycopg
import pytest

from tests.faults import caches, table
from tests.faults.postgresql import MOST_CONNECTIONS, PostgreSQL
from tests.faults.site import Site, Workers, load
from tests.test_deadline import SLOW, peer

REDIS = "django.core.cache.backends.redis.RedisCache"
MEMCACHED = "django.core.cache.backends.memcached.PyMemcacheCache"
LOCAL = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
# Seconds that an outage under load lasts: ten requests of each caller or more, where five that
# failed would be too many.
OUTAGE = float(os.environ.get("FAULTS_SECONDS", "2.5"))
KNOWN, NEW = "203.0.113.9", "198.51.100.1"
LIMITS = {"account_at_address": "5/10m"}
# What connections to the stores are given; libpq takes no less than two.
CONNECT, COUNTERS = 2, 0.5
# What a busy machine adds to each answer.
SLACK = 4.0

BY_DATABASE = ["token", "password", "newcomer's password", "client secret", "introspection"]
BY_CACHE = ["password", "newcomer's password", "client secret", "introspection"]


@pytest.fixture
def noted(record_property):
    def noted(*args, **kwargs):
        table.note(record_property, *args, **kwargs)

    return noted


@contextmanager
def started(store):
    with closing(store):
        yield store.start()


@contextmanager
def site(database, cache, **api_guard):
    with closing(Site(database, cache, FAILED_CREDENTIALS=LIMITS, **api_guard)) as serving:
        yield serving


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory):
    """Make the settings of a new database, each a copy of one that was migrated once."""
    folder = tmp_path_factory.mktemp("faults")

    def at(name):
        options = {"timeout": 20, "transaction_mode": "IMMEDIATE"}
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(name), "OPTIONS": options}

    with site(at(folder / "first"), LOCAL):
        pass

    def made():
        name = folder / str(len(list(folder.iterdir())))
        shutil.copy(folder / "first", name)
        return at(name)

    return made


def postgresql(server):
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "postgres",
        "USER": "postgres",
        "HOST": "127.0.0.1",
        "PORT": server.port,
        "OPTIONS": {"connect_timeout": CONNECT},
    }


def redis_at(port):
    return {"BACKEND": REDIS, "LOCATION": f"redis://127.0.0.1:{port}"}


def memcached_at(port):
    options = {"timeout": COUNTERS, "connect_timeout": COUNTERS}
    return {"BACKEND": MEMCACHED, "LOCATION": f"127.0.0.1:{port}", "OPTIONS": options}


def unavailable(answer):
    said = (answer.status, answer.retry_after, answer.code)
    return said in {(503, "5", code) for code in ("guard_unavailable", "temporarily_unavailable")}


def grantee(site, noted, store, callers):
    """Return what asks each caller during a fault, and again as soon as the store is back."""

    def held(fault, *, back, bound, expected):
        asked = {caller: site.ask(caller) for caller in callers}
        back()
        for caller, answer in asked.items():
            again = site.ask(caller)
            noted(store, fault, caller, answer, f"{again.status} in {again.seconds:.2f}")
            assert expected(caller, answer), (store, fault, caller, answer)
            assert answer.seconds < bound + SLACK, (store, fault, caller, answer)
            # Nobody is blocked, and nobody waits for what is over.
            assert again.status == {"bad token": 401, "login": 302}.get(caller, 200), again

    return held


def under_load(site, noted, store, fault, ways, callers, answers, address=NEW):
    """Ask twenty times a second while a store is away: the first request after it is served.

    From a new address by default, at which no caller is known.
    """
    begin, end = ways
    with load(site, callers) as before:
        time.sleep(1)
    assert {answer.status for _, answer in before} == {200}
    with load(site, callers, address) as during:
        begin()
        time.sleep(OUTAGE)
        end()
        waited = time.monotonic()
        while not answers():
            assert time.monotonic() < waited + 60
            time.sleep(0.01)
        first = {caller: site.ask(caller, address) for caller in callers}
    longest = max(answer.seconds for _, answer in during)
    said = sorted({answer.status for _, answer in during})
    count = f"{len(during)} requests in {OUTAGE:g} s: {said}, in {longest:.2f} at most"
    for caller, answer in first.items():
        noted(store, f"{fault}, under load", caller, answer, count)
    assert {answer.status for answer in first.values()} == {200}, first
    assert set(said) <= {200, 503}, said
    with load(site, callers, address) as after:
        time.sleep(1)
    assert {answer.status for _, answer in after} == {200}


def refused(caller, answer):
    return unavailable(answer)


def test_postgresql(noted):
    with ExitStack() as stack:
        server = stack.enter_context(started(PostgreSQL()))
        asked = stack.enter_context(site(postgresql(server), LOCAL))
        held = grantee(asked, noted, "PostgreSQL", [*BY_DATABASE, "bad token", "login"])
        server.stop()
        held("stopped", back=server.start, bound=0, expected=refused)
        server.hang()
        held("hung", back=server.resume, bound=CONNECT, expected=refused)
        taken = stack.enter_context(closing(Taken(server.port)))
        held("full", back=taken.close, bound=0, expected=refused)
        loaded = partial(under_load, asked, noted, "PostgreSQL", callers=BY_DATABASE)
        loaded("stopped", (server.stop, server.start), answers=server.answers)
        # Of several at one moment that come to life together, a stranger would be refused some.
        ways = (server.hang, server.resume)
        loaded("hung", ways, answers=server.answers, address=KNOWN)


def statuses(answers):
    return {answer.status for answer in answers}


def test_postgresql_hangs_until_the_server_ends_its_workers(noted):
    """Nothing says how long to wait for a connection, as where the settings set no timeout."""
    callers = ["newcomer's password", "client secret", "login"]
    with ExitStack() as stack:
        server = stack.enter_context(started(PostgreSQL()))
        cache = stack.enter_context(started(caches.redis()))
        database = {**postgresql(server), "OPTIONS": {"connect_timeout": 60}}
        said = {"FAILED_CREDENTIALS": {"account_at_address": "2/10m"}}
        asked = stack.enter_context(closing(Workers(database, redis_at(cache.port), **said)))

        def ask_all(_=None):
            with ThreadPoolExecutor(len(callers)) as pool:
                return list(pool.map(lambda caller: asked.ask(caller, NEW), callers))

        server.hang()
        # Three where two that failed would be too many.
        ended = [answer for answers in map(ask_all, range(3)) for answer in answers]
        assert statuses(ended) == {500}, ended
        server.resume()
        waited = time.monotonic()
        while not server.answers():
            assert time.monotonic() < waited + 60
        # A worker that was just started may be too slow for gunicorn.
        again = next(found for found in map(ask_all, range(20)) if 500 not in statuses(found))
        for caller, answer, after in zip(callers, ended, again, strict=False):
            recovery = f"{after.status} in {after.seconds:.2f}"
            noted("PostgreSQL", "hung, worker ended", caller, answer, recovery)
            assert after.status in (200, 302), after


class Taken:
    """All the connections that a server takes."""

    def __init__(self, port):
        said = f"host=127.0.0.1 port={port} user=postgres dbname=postgres"
        self.made = []
        with suppress(psycopg.OperationalError):
            while len(self.made) <= MOST_CONNECTIONS:
                self.made.append(psycopg.connect(said))
        assert len(self.made) <= MOST_CONNECTIONS

    def close(self):
        for each in self.made:
            each.close()


EVERY = [*BY_CACHE, "bad token", "token", "rate", "login"]


def without_counters(caller, answer):
    # A good token asks no cache, and a rate is counted in the process meanwhile.
    return answer.status == 200 if caller in ("token", "rate") else unavailable(answer)


def served(caller, answer):
    return answer.status in (200, 302, 401)


def test_redis_that_is_slow(noted, sqlite):
    with ExitStack() as stack:
        server = stack.enter_context(started(caches.redis()))
        slow = stack.enter_context(closing(caches.Slow(server.port)))
        asked = stack.enter_context(site(sqlite(), redis_at(slow.port)))

        def quick():
            slow.delay = 0.0

        def quick_after_a_pause():
            quick()
            time.sleep(3)  # what was sent slowly, and a pause, end

        for caller in EVERY:
            asked.ask(caller)
        slow.delay = 0.05
        held = grantee(asked, noted, "Redis", EVERY)
        held("slow", back=quick, bound=2, expected=served)
        slow.delay = 2 * COUNTERS
        held(
            "slower than its timeout",
            back=quick_after_a_pause,
            bound=2 * COUNTERS,
            expected=without_counters,
        )


@pytest.mark.parametrize("kind", ["Redis", "Memcached"])
def test_the_cache_of_the_counters(noted, sqlite, kind):
    made, at = {
        "Redis": (caches.redis, redis_at),
        "Memcached": (caches.memcached, memcached_at),
    }[kind]
    with ExitStack() as stack:
        server = stack.enter_context(started(made()))
        asked = stack.enter_context(site(sqlite(), at(server.port)))

        def resume():
            server.resume()
            assert server.answers()

        for caller in EVERY:
            asked.ask(caller)
        held = grantee(asked, noted, kind, EVERY)
        server.stop()
        held("stopped", back=server.start, bound=0, expected=without_counters)
        server.hang()
        held("hung", back=resume, bound=COUNTERS, expected=without_counters)
        if kind == "Redis":
            filled = stack.enter_context(closing(Filled(server.port)))
            for caller in EVERY:
                asked.ask(caller)
            filled.fill()
            # Whoever is known by its address is only looked up.
            held("full", back=filled.empty, bound=0, expected=Filled.is_right)
        loaded = partial(under_load, asked, noted, kind, callers=[*BY_CACHE, "rate"])
        loaded("stopped", (server.stop, server.start), answers=server.answers)
        ways = (server.hang, server.resume)
        loaded("hung", ways, answers=server.answers, address="198.51.100.2")


class Filled:
    """A Redis that takes no more, and may evict nothing."""

    def __init__(self, port):
        import redis

        self.client = redis.Redis(port=port)

    def fill(self):
        self.client.config_set("maxmemory", "1mb")

    def empty(self):
        self.client.config_set("maxmemory", "0")

    def close(self):
        self.client.close()

    @staticmethod
    def is_right(caller, answer):
        if caller in ("bad token", "stranger's password"):
            return unavailable(answer)
        return answer.status in (200, 302)


@pytest.mark.parametrize("mode", ["deny", "allow", "whatever"])
def test_a_rate_without_its_counters_as_the_settings_say(noted, sqlite, mode):
    with ExitStack() as stack:
        server = stack.enter_context(started(caches.redis()))
        cache = redis_at(server.port)
        asked = stack.enter_context(site(sqlite(), cache, ON_FAULT=mode))

        def expected(caller, answer):
            # What is unknown has the safe meaning.
            return answer.status == 200 if mode == "allow" else unavailable(answer)

        asked.ask("rate")
        held = grantee(asked, noted, "Redis", ["rate"])
        server.stop()
        held(f"stopped, ON_FAULT={mode}", back=server.start, bound=0, expected=expected)


def test_introspection_and_what_a_rule_raises(noted, sqlite):
    body = json.dumps({"active": True, "scope": "notes:read", "client_id": "web"}).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    faults = {
        "answers 500": lambda: [b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"],
        "answers no JSON": lambda: [b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnope"],
        **{f"drips its {part}": say for part, say in SLOW.items()},
        "hangs up": None,
    }
    with ExitStack() as stack:
        server = stack.enter_context(peer(lambda: [head, body]))
        url = f"http://127.0.0.1:{server.port}/"
        said = {"URL": url, "CLIENT_ID": "c", "CLIENT_SECRET": "s", "TIMEOUT": 1}
        said["ISSUER"] = "https://auth.example"
        settings = {"INTROSPECTION": said, "INTROSPECTION_CACHE_SECONDS": 0}
        asked = stack.enter_context(site(sqlite(), LOCAL, **settings))
        good = server.say

        held = grantee(asked, noted, "introspection", ["remote token"])

        def back():
            server.say, server.pause, server.is_open = good, 0.0, True

        for fault, say in faults.items():
            server.say, server.pause = say or good, 0.1 if fault.startswith("drips") else 0.0
            server.is_open = say is not None
            held(fault, back=back, bound=1, expected=refused)
        server.is_open = False
        server.close()
        asked.ask("remote token")  # by the connection that was kept
        answer = asked.ask("remote token")
        noted("introspection", "is not there", "remote token", answer)
        assert unavailable(answer)

        answer = asked.ask("expired grant")
        noted("a grant", "is past its end", "token", answer)
        assert (answer.status, answer.code) == (403, "insufficient_scope")
        answer = asked.ask("broken rule")
        noted("an object rule", "raises", "token", answer)
        assert (answer.status, answer.code) == (403, "rule_failed")
        answer = asked.ask("rule without a store")
        noted("an object rule", "reaches no store", "token", answer)
        assert unavailable(answer)
