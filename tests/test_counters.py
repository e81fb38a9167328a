"""The counters, on every cache that they know: exact, in one step, and bounded where it breaks."""

from __future__ import annotations

import os
import resource
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from itertools import pairwise
from threading import Barrier
from unittest.mock import patch

import pytest
from django.core.cache import caches
from django.core.signals import setting_changed
from django_ratelimit.core import get_usage
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api_guard.core.rates import Counter, Rate
from api_guard.limits import counters
from api_guard.limits.counters import CounterFault, faults
from api_guard.limits.counters.knocking import Knock
from api_guard.limits.counters.memory import MemoryCounters
from api_guard.limits.counters.ratelimit import RatelimitCounters
from api_guard.limits.counters.redis import RedisCounters
from api_guard.limits.counters.shared import _held
from tests.servers import DJANGO_REDIS, MEMCACHED, REDIS, TIMEOUT

LOCAL = "django.core.cache.backends.locmem.LocMemCache"
PLAIN = "tests.caches.PlainCache"
ENGINES = {
    "memory": (LOCAL, None, MemoryCounters),
    "redis": (REDIS, "shared_redis", RedisCounters),
    "django-redis": (DJANGO_REDIS, "shared_redis", RedisCounters),
    "plain": (PLAIN, None, RatelimitCounters),
    "memcached": (MEMCACHED, "memcached", RatelimitCounters),
}
SCRIPTED = ["memory", "redis", "django-redis"]


@pytest.fixture(params=ENGINES)
def engine(request, count_on):
    return choose(request, count_on, request.param)


@pytest.fixture(params=SCRIPTED)
def scripted(request, count_on):
    return choose(request, count_on, request.param)


def choose(request, count_on, name):
    backend, server, cls = ENGINES[name]
    if backend == DJANGO_REDIS:
        pytest.importorskip("django_redis")
    count_on(backend, request.getfixturevalue(server) if server else None)
    assert type(_held().counters) is cls
    return name


def counter(name, limit, seconds=3600, **rate):
    return Counter(f"test:{name}", Rate(limit, seconds, **rate))


def take(*counted):
    return not any(usage.exceeded for usage in counters.take(counted))


def used(*counted):
    return [usage.used for usage in counters.take(counted, count=False)]


def test_a_limit_is_reached_and_no_further(engine):
    assert [take(counter("a", 3)) for _ in range(5)] == [True] * 3 + [False] * 2
    assert take(counter("b", 3))
    [usage] = counters.take([counter("a", 3)])
    assert (usage.used, usage.remaining, usage.exceeded) == (3, 0, True)
    assert 0 < usage.reset <= 3601
    assert usage.wait == usage.reset


def test_a_request_takes_its_cost(engine):
    dear, cheap = counter("a", 25, cost=10), counter("a", 25)
    assert [take(dear) for _ in range(3)] == [True, True, False]
    assert [take(cheap) for _ in range(6)] == [True] * 5 + [False]
    assert used(cheap) == [25]


def test_what_one_rate_refuses_takes_nothing_of_the_others(engine):
    burst, sustained = counter("burst", 2), counter("sustained", 100, 86400)
    assert [take(burst, sustained) for _ in range(50)] == [True] * 2 + [False] * 48
    assert used(sustained) == [2]


def test_asking_takes_nothing(engine):
    one = counter("a", 1)
    for _ in range(3):
        [usage] = counters.take([one], count=False)
        assert (usage.exceeded, usage.used) == (False, 0)
    assert take(one)
    assert counters.take([one], count=False)[0].exceeded


def test_what_is_given_back_is_there_again(engine):
    one = counter("a", 2, cost=2)
    assert [take(one), take(one)] == [True, False]
    counters.give_back([one])
    assert [take(one), take(one)] == [True, False]


def test_nothing_is_given_back_of_what_was_not_taken(engine):
    counters.give_back([counter("a", 2)])
    assert [take(counter("a", 2)) for _ in range(3)] == [True, True, False]


def test_what_is_forgotten_begins_anew(engine):
    one = counter("a", 1)
    assert [take(one), take(one)] == [True, False]
    counters.forget([one])
    assert take(one)


def test_the_count_goes_on_where_the_limit_changes(engine):
    assert [take(counter("a", 2)) for _ in range(3)] == [True, True, False]
    assert [take(counter("a", 4)) for _ in range(3)] == [True, True, False]
    assert not take(counter("a", 1))


def keep_off_the_edge(*counted):
    """Wait for the next window where one is about to end: a limit holds for each."""
    left = min(usage.reset for usage in counters.take(counted, count=False))
    if left < 10:
        time.sleep(left + 1)


@pytest.mark.parametrize("number", [1, 3])
def test_the_counters_are_exact_under_threads(engine, number):
    counted = [counter("a", 100), counter("b", 300, 86400), counter("c", 500, 7200)][:number]
    keep_off_the_edge(*counted)

    def one(_):
        try:
            return take(*counted)
        finally:
            if engine == "memcached":
                caches.close_all()  # as Django does at the end of a request

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(one, range(400))) == 100
    assert used(*counted) == [100] * number


def test_what_a_window_counted_that_has_ended_is_not_taken_from_the_next(count_on, monkeypatch):
    count_on(PLAIN)
    one, clock, late = counter("a", 1), time.time, [0]
    monkeypatch.setattr(time, "time", lambda: clock() + late[0])
    assert take(one)
    late[0] = 3600
    assert take(one)
    late[0] = 0

    def slow(*args, **kwargs):
        answer = get_usage(*args, **kwargs)
        late[0] = 3600
        return answer

    with patch("api_guard.limits.counters.ratelimit.get_usage", slow):
        assert not take(one)
    assert used(one) == [1]


def test_a_fixed_window_ends(scripted):
    one = counter("a", 1, 1)
    assert [take(one), take(one)] == [True, False]
    time.sleep(1.05)
    assert take(one)


def test_a_sliding_window_has_no_edge(scripted):
    one = counter("a", 4, 1, is_sliding=True)
    started, admitted = time.monotonic(), []
    while time.monotonic() < started + 2.6:
        if take(one):
            admitted.append(time.monotonic())
        time.sleep(0.01)
    assert 7 <= len(admitted) <= 12
    # The server's clock and this one run apart by less than the pause between two requests.
    assert all(
        later - earlier > 0.97 for earlier, later in zip(admitted, admitted[4:], strict=False)
    )


def test_a_sliding_rate_is_counted_in_fixed_windows_where_there_is_no_script(count_on):
    count_on(PLAIN)
    sliding = counter("a", 2, is_sliding=True)
    assert [take(sliding) for _ in range(3)] == [True, True, False]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["take", "take", "take", "ask", "give"]),
        st.lists(st.integers(0, 3), min_size=1, max_size=3, unique=True),
        st.integers(1, 4),
        st.integers(1, 20),
    ),
    max_size=30,
)


@given(steps=STEPS)
@settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_the_script_and_the_arithmetic_say_the_same(shared_redis, count_on, steps):
    """Any sequence of steps within one window leaves both with the same counts and refusals."""
    answers = []
    for backend, server in ((LOCAL, None), (REDIS, shared_redis)):
        count_on(backend, server)
        answers.append([run(*step) for step in steps])
    assert answers[0] == answers[1]


def run(what, names, cost, limit):
    # Long periods, so that all of it happens in one part of a sliding window.
    counted = [
        counter(name, limit, 9999 * 86400, cost=cost, is_sliding=name % 2 == 1) for name in names
    ]
    if what == "give":
        counters.give_back(counted)
        return None
    usages = counters.take(counted, count=what == "take")
    return [(usage.used, usage.exceeded) for usage in usages]


@pytest.mark.parametrize("number", [1, 3])
def test_all_the_rates_of_a_request_are_one_round_trip_on_redis(shared_redis, count_on, number):
    count_on(REDIS, shared_redis)
    counted = [counter(name, 100, is_sliding=name == 2) for name in range(number)]
    take(*counted)  # loads the script
    raw = caches["rates"]._cache.get_client()
    before = raw.info("commandstats")
    pool = _held().counters._client.connection_pool
    pool.release(held := pool.get_connection())
    connection = type(held)
    with patch.object(
        connection, "send_packed_command", autospec=True, side_effect=connection.send_packed_command
    ) as sent:
        take(*counted)
    assert sent.call_count == 1
    after = raw.info("commandstats")
    assert after["cmdstat_evalsha"]["calls"] - before["cmdstat_evalsha"]["calls"] == 1


def test_a_script_that_the_server_forgot_is_loaded_again(shared_redis, count_on):
    count_on(REDIS, shared_redis)
    assert take(counter("a", 2))
    caches["rates"]._cache.get_client().script_flush()
    assert take(counter("a", 2))
    assert not take(counter("a", 2))


def test_the_limit_of_a_rate_is_no_part_of_a_cost(engine):
    assert not take(replace(counter("a", 1), rate=Rate(1, 3600, cost=2)))
    assert used(counter("a", 1)) == [0]


@pytest.mark.parametrize(
    "options",
    [{}, {"socket_timeout": 30, "socket_connect_timeout": 30, "retry_on_timeout": True}],
)
def test_no_wait_is_longer_than_the_timeout(own_redis, count_on, settings, options):
    settings.API_GUARD = {**settings.API_GUARD, "COUNTER_TIMEOUT": TIMEOUT}
    count_on(REDIS, own_redis, **options)
    assert take(counter("a", 9))
    own_redis.hang()
    assert 0.9 * TIMEOUT < seconds_to_fail() < 3 * TIMEOUT
    # And while it is given a pause, no request waits at all.
    assert seconds_to_fail() < TIMEOUT / 2
    own_redis.resume()
    assert take(counter("a", 9))


def seconds_to_fail():
    started = time.monotonic()
    with pytest.raises(CounterFault):
        take(counter("a", 9))
    return time.monotonic() - started


def test_the_timeouts_are_those_of_the_settings_whatever_the_address_says(count_on, settings):
    pytest.importorskip("redis")
    settings.API_GUARD = {**settings.API_GUARD, "COUNTER_TIMEOUT": TIMEOUT}
    count_on(REDIS)
    far = "redis://192.0.2.1:6379/0?socket_timeout=60&socket_connect_timeout=60"
    settings.CACHES = {**settings.CACHES, "rates": {**settings.CACHES["rates"], "LOCATION": far}}
    said = _held().counters._client.connection_pool.connection_kwargs
    assert (said["socket_timeout"], said["socket_connect_timeout"]) == (TIMEOUT, TIMEOUT)
    # 192.0.2.1 (RFC 5737) answers nobody.
    assert seconds_to_fail() < 3 * TIMEOUT


def test_a_pool_with_no_place_left_is_waited_for_no_longer(own_redis, count_on, settings):
    settings.API_GUARD = {**settings.API_GUARD, "COUNTER_TIMEOUT": TIMEOUT}
    count_on(REDIS, own_redis, pool_class="redis.BlockingConnectionPool", max_connections=1)
    pool = _held().counters._client.connection_pool
    held = pool.get_connection()
    assert 0.9 * TIMEOUT < seconds_to_fail() < 3 * TIMEOUT
    pool.release(held)


def test_a_redis_that_was_stopped_is_a_fault_and_counts_again_when_it_is_back(own_redis, count_on):
    count_on(REDIS, own_redis)
    assert take(counter("a", 9))
    own_redis.stop()
    assert seconds_to_fail() < TIMEOUT
    own_redis.start()
    faults.end_pause()
    assert used(counter("a", 9)) == [0]
    assert take(counter("a", 9))


def test_a_redis_that_is_full_is_a_fault(own_redis, count_on):
    count_on(REDIS, own_redis)
    raw = caches["rates"]._cache.get_client()
    raw.config_set("maxmemory-policy", "noeviction")
    raw.config_set("maxmemory", "1")  # byte
    with pytest.raises(CounterFault, match="memory"):
        take(counter("a", 9))


def test_a_cache_that_is_not_configured_is_a_fault(settings):
    settings.RATELIMIT_USE_CACHE = "nothing"
    with pytest.raises(CounterFault, match="nothing"):
        take(counter("a", 9))


def failing(seconds):
    def fail(*args, **kwargs):
        time.sleep(seconds)
        raise ConnectionError

    return patch("api_guard.limits.counters.ratelimit.get_usage", fail)


def test_after_a_pause_the_cache_is_asked_again(count_on):
    count_on(PLAIN)
    with failing(0.2), patch("api_guard.limits.counters.faults.PAUSE", 0.1):
        with pytest.raises(CounterFault, match="ConnectionError"):
            take(counter("a", 9))
        with pytest.raises(CounterFault, match="a moment ago"):
            take(counter("a", 9))
    time.sleep(0.15)
    assert take(counter("a", 9))


def test_what_fails_at_once_holds_nobody_up_and_is_asked_every_time(count_on):
    count_on(PLAIN)
    with failing(0):
        for _ in range(3):
            with pytest.raises(CounterFault, match="ConnectionError"):
                take(counter("a", 9))
    assert take(counter("a", 9))


def test_when_a_pause_ends_one_request_tries_the_cache_and_the_others_do_not_wait(count_on):
    count_on(PLAIN)
    asked = []

    def hang(*args, **kwargs):
        asked.append(time.monotonic())
        time.sleep(0.4)
        raise TimeoutError

    def ask(number):
        time.sleep(number * 0.02)
        with pytest.raises(CounterFault):
            take(counter("a", 9))

    with (
        patch("api_guard.limits.counters.ratelimit.get_usage", hang),
        patch("api_guard.limits.counters.faults.PAUSE", 0.3),
        ThreadPoolExecutor(60) as pool,
    ):
        ask(0)
        list(pool.map(ask, range(60)))
    # 0.4 s until one fails and 0.3 s of pause, and then the next one.
    assert len(asked) > 1
    assert all(later - earlier > 0.65 for earlier, later in pairwise(asked))


@pytest.mark.parametrize("kind", ["redis", "memcached"])
def test_the_first_request_after_the_return_of_a_server_that_hung_is_served(
    kind, request, count_on, settings
):
    server = request.getfixturevalue(f"own_{kind}")
    settings.API_GUARD = {**settings.API_GUARD, "COUNTER_TIMEOUT": TIMEOUT}
    options = {} if kind == "redis" else {"timeout": TIMEOUT, "connect_timeout": TIMEOUT}
    count_on(REDIS if kind == "redis" else MEMCACHED, server, **options)
    assert take(counter("a", 9))
    server.hang()
    with patch("api_guard.limits.counters.faults.PAUSE", 30):
        assert seconds_to_fail() > 0.9 * TIMEOUT
        assert seconds_to_fail() < TIMEOUT / 2
        os.kill(server.process.pid, signal.SIGCONT)
        waited = time.monotonic()
        while not answers(server):
            assert time.monotonic() < waited + 20
        assert take(counter("a", 9))


def test_a_server_that_answers_and_hangs_again_is_given_the_whole_pause(
    own_redis, count_on, settings
):
    settings.API_GUARD = {**settings.API_GUARD, "COUNTER_TIMEOUT": TIMEOUT}
    count_on(REDIS, own_redis)
    assert take(counter("a", 9))
    with patch("api_guard.limits.counters.faults.PAUSE", 30):
        own_redis.hang()
        assert [seconds_to_fail() > TIMEOUT / 2 for _ in range(2)] == [True, False]
        os.kill(own_redis.process.pid, signal.SIGCONT)
        assert answers(own_redis)
        own_redis.hang()
        assert [seconds_to_fail() > TIMEOUT / 2 for _ in range(2)] == [True, False]
        os.kill(own_redis.process.pid, signal.SIGCONT)
        assert answers(own_redis)
        assert seconds_to_fail() < TIMEOUT / 2


@pytest.mark.parametrize("kind", ["redis", "memcached"])
def test_everybody_who_comes_when_a_server_that_hung_is_back_is_served(
    kind, request, count_on, settings
):
    server = request.getfixturevalue(f"own_{kind}")
    settings.API_GUARD = {**settings.API_GUARD, "COUNTER_TIMEOUT": 2.0}
    options = {} if kind == "redis" else {"timeout": TIMEOUT, "connect_timeout": TIMEOUT}
    count_on(REDIS if kind == "redis" else MEMCACHED, server, **options)
    assert take(counter("a", 999))
    together = Barrier(16)

    def ask(number):
        together.wait(60)
        try:
            return take(counter("a", 999))
        finally:
            caches.close_all()  # what this thread alone has

    with patch("api_guard.limits.counters.faults.PAUSE", 30), ThreadPoolExecutor(16) as pool:
        for _ in range(5):
            server.hang()
            assert seconds_to_fail() > 0.9 * TIMEOUT
            os.kill(server.process.pid, signal.SIGCONT)
            assert answers(server)
            assert all(pool.map(ask, range(16)))


def test_who_waits_for_a_try_that_hangs_again_waits_no_longer_than_it(
    own_redis, count_on, settings
):
    settings.API_GUARD = {**settings.API_GUARD, "COUNTER_TIMEOUT": TIMEOUT}
    count_on(REDIS, own_redis)
    assert take(counter("a", 9))
    with patch("api_guard.limits.counters.faults.PAUSE", 30), ThreadPoolExecutor(8) as pool:
        own_redis.hang()
        seconds_to_fail()
        os.kill(own_redis.process.pid, signal.SIGCONT)
        assert answers(own_redis)
        own_redis.hang()
        waited = list(pool.map(lambda _: seconds_to_fail(), range(8)))
        assert TIMEOUT / 2 < max(waited) < 3 * TIMEOUT
        assert seconds_to_fail() < TIMEOUT / 2


def test_a_try_whose_question_is_at_fault_ends_the_pause(count_on):
    count_on(PLAIN)
    with (
        patch("api_guard.limits.counters.faults.PAUSE", 0.1),
        pytest.raises(CounterFault),
        failing(0.2),
    ):
        take(counter("a", 9))
    with patch("api_guard.limits.counters.faults.PAUSE", 30):
        time.sleep(0.15)
        with pytest.raises(ZeroDivisionError):
            counters.ask(lambda cache: 1 / 0)
        assert take(counter("a", 9))


def test_a_process_with_many_files_open_sees_that_a_server_is_back(own_redis, count_on):
    count_on(REDIS, own_redis)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    with ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        for _ in range(1100):
            stack.enter_context(open(os.devnull))
        knock = Knock(_held().place)
        stack.callback(knock.close)
        assert knock.is_answered()


def test_a_try_that_fails_at_once_ends_the_pause(count_on):
    count_on(PLAIN)
    with (
        patch("api_guard.limits.counters.faults.PAUSE", 0.1),
        pytest.raises(CounterFault),
        failing(0.2),
    ):
        take(counter("a", 9))
    with patch("api_guard.limits.counters.faults.PAUSE", 30):
        time.sleep(0.15)
        with failing(0), pytest.raises(CounterFault, match="ConnectionError"):
            take(counter("a", 9))
        assert take(counter("a", 9))


def test_who_waited_to_look_at_the_pause_does_not_begin_another(monkeypatch):
    pause = faults.Pause()
    pause._ends = 1.0

    class Lock:
        def __enter__(self):
            pause._ends = 0.0

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(pause, "_lock", Lock())
    assert pause.pass_by(lambda: None) is False


def answers(server):
    """Whether a server answers, as whoever starts it again would look."""
    with socket.socket(socket.AF_UNIX) as asked:
        asked.settimeout(20)
        asked.connect(str(server.socket))
        # Twice: the second answer comes after all that was asked before the first.
        for _ in range(2):
            asked.sendall(b"PING\r\n")
            if not asked.recv(64):
                return False
        return True


def test_memcached_counts_again_at_once_when_it_is_back(own_memcached, count_on):
    """pymemcache itself would hold it for dead for a minute."""
    count_on(MEMCACHED, own_memcached, timeout=TIMEOUT, connect_timeout=TIMEOUT)
    assert take(counter("a", 9))
    own_memcached.stop()
    for _ in range(8):
        assert seconds_to_fail() < TIMEOUT
    own_memcached.start()
    assert answers(own_memcached)
    assert take(counter("a", 9))


def test_whoever_asks_the_cache_passes_the_same_door(own_redis, count_on, settings):
    settings.API_GUARD = {**settings.API_GUARD, "COUNTER_TIMEOUT": TIMEOUT}
    count_on(REDIS, own_redis)
    counters.ask(lambda cache: cache.set("a", 1))
    assert counters.ask(lambda cache: cache.get("a")) == 1
    own_redis.hang()
    began = time.monotonic()
    with pytest.raises(CounterFault):
        counters.ask(lambda cache: cache.get("a"))
    assert 0.9 * TIMEOUT < time.monotonic() - began < 3 * TIMEOUT
    assert seconds_to_fail() < TIMEOUT / 2
    own_redis.resume()
    with pytest.raises(ZeroDivisionError):
        counters.ask(lambda cache: 1 / 0)


def test_what_is_asked_of_several_servers_is_asked_of_the_first(shared_redis, count_on):
    """A replica may not know yet what was counted, and none of its waits would be bounded."""
    for backend in (REDIS, DJANGO_REDIS):
        count_on(backend, shared_redis)
        far = [f"unix://{shared_redis.socket}", "redis://192.0.2.1:6379/0"]
        for location in (far, ",".join(far)):
            override(LOCATION=location)
            for _ in range(3):
                counters.ask(lambda cache: cache.set("a", 1))
                assert counters.ask(lambda cache: cache.get("a")) == 1


def override(**said):
    from django.conf import settings

    settings.CACHES = {**settings.CACHES, "rates": {**settings.CACHES["rates"], **said}}
    setting_changed.send(None, setting="CACHES", value=settings.CACHES, enter=True)


def test_a_cache_that_hides_its_faults_hides_none_from_the_counters(own_redis, count_on):
    pytest.importorskip("django_redis")
    count_on(DJANGO_REDIS, own_redis, IGNORE_EXCEPTIONS=True)
    own_redis.stop()
    with pytest.raises(CounterFault):
        counters.ask(lambda cache: cache.get("a"))


@pytest.mark.parametrize(
    ("location", "family"),
    [
        ("127.0.0.1:11211", socket.AF_INET),
        ("[::1]:11211", socket.AF_INET6),
        ("unix:/tmp/memcached", socket.AF_UNIX),
        ("/tmp/memcached", socket.AF_UNIX),
        ("a.invalid:11211", None),
        ("127.0.0.1", None),
        (["127.0.0.1:11211", "127.0.0.1:11212"], None),
    ],
)
def test_where_a_server_is_knocked_at(count_on, location, family):
    count_on(MEMCACHED)
    override(LOCATION=location)
    place = _held().place
    assert (place and place.family) == family
    count_on(REDIS)
    override(LOCATION="redis://127.0.0.1:1")
    assert _held().place.address == ("127.0.0.1", 1)
    # Nobody is there, which is quick to learn.
    knock = Knock(_held().place)
    assert knock.is_answered()
    knock.close()


def test_a_clock_that_is_set_forward_opens_no_window_in_local_memory(count_on, monkeypatch):
    count_on(LOCAL)
    one, clock = counter("a", 1), time.time
    assert take(one)
    monkeypatch.setattr(time, "time", lambda: clock() + 9 * 86400)
    assert not take(one)


def test_strangers_store_no_more_than_the_settings_say(own_redis, count_on, settings):
    settings.API_GUARD = {**settings.API_GUARD, "MAX_COUNTERS": 50}
    count_on(REDIS, own_redis)
    raw = caches["rates"]._cache.get_client()

    def stranger(number, limit=3):
        return Counter(f"test:{number}", Rate(limit, 3600), f"shared:{number % 4}", "strangers")

    def kept(number):
        return Counter(f"kept:{number}", Rate(3, 3600))

    first = stranger(1)
    assert take(first)
    for number in range(500):
        counters.take([stranger(number)])
        assert take(kept(number))
    assert raw.dbsize() <= 50 + 4 + 1 + 500
    # Who was there before has its own count, and so has what is never shared.
    assert used(first) == [2]
    assert take(kept(1))
    # All others share, and are refused together.
    assert not take(stranger(999))
    # What is given back comes back to the count from which it was taken.
    counters.give_back([stranger(999)])
    assert take(stranger(995))
    assert not take(stranger(999))
    counters.forget([Counter("shared:3", Rate(3, 3600))])
    assert take(stranger(999))
    # One that was good after all makes room for another.
    counters.give_back([first])
    counters.give_back([first])
    assert used(first) == [0]
    assert raw.exists(caches["rates"].make_key("test:1")) == 0
    counters.take([stranger(1001)])
    assert raw.exists(caches["rates"].make_key("test:1001")) == 1
