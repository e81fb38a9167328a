"""Counts on a real cluster of Redis and of Valkey: exact, in one slot a caller, and bounded."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from django.core.cache import caches

from api_guard import throttling
from api_guard.core.rates import Counter, Rate
from api_guard.limits import counters
from api_guard.limits.counters import CounterFault, faults
from api_guard.limits.counters.redis import ClusterCounters
from api_guard.limits.counters.shared import _held
from tests.machines import Cluster, program, until
from tests.servers import DJANGO_REDIS, TIMEOUT

VALKEY = {"BACKEND": "django_valkey.cluster_cache.cache.ClusterValkeyCache"}
FACTORY = {
    "CONNECTION_FACTORY": "tests.cluster_factory.ClusterFactory",
    "REDIS_CLIENT_CLASS": "redis.cluster.RedisCluster",
}
DJANGO = {"BACKEND": DJANGO_REDIS, "OPTIONS": FACTORY}
# A server, the scheme of its address, and the cache.
ENGINES = {
    "django-redis on Redis": ("redis", "redis", DJANGO),
    "django-valkey on Redis": ("redis", "valkey", VALKEY),
    "django-valkey on Valkey": ("valkey", "valkey", VALKEY),
}


def started(name):
    cluster = Cluster(program(name))
    try:
        yield cluster.start()
    finally:
        cluster.close()


@pytest.fixture(scope="module")
def redis():
    yield from started("redis")


@pytest.fixture(scope="module")
def valkey():
    yield from started("valkey")


@pytest.fixture
def broken(redis):
    """A cluster to break, which is repaired afterwards."""
    yield redis
    redis.repair()


@pytest.fixture
def count_on_cluster(settings):
    def count_on_cluster(cluster, engine, timeout=TIMEOUT):
        _, scheme, cache = ENGINES[engine]
        pytest.importorskip(cache["BACKEND"].partition(".")[0])
        settings.API_GUARD = {**settings.API_GUARD, "COUNTER_TIMEOUT": timeout}
        settings.CACHES = {
            "default": settings.CACHES["default"],
            "rates": {
                **cache,
                "LOCATION": f"{scheme}://127.0.0.1:{cluster.living().port}",
                "KEY_PREFIX": f"test-{time.monotonic_ns()}",
            },
        }
        settings.RATELIMIT_USE_CACHE = "rates"
        faults.end_pause()

    return count_on_cluster


@pytest.fixture(params=ENGINES)
def cluster(request, count_on_cluster):
    cluster = request.getfixturevalue(ENGINES[request.param][0])
    count_on_cluster(cluster, request.param)
    assert type(_held().counters) is ClusterCounters
    return cluster


def counter(name, limit, seconds=3600, **more):
    return Counter(f"test:{name}", Rate(limit, seconds), **more)


def take(*counted):
    return not any(usage.exceeded for usage in counters.take(counted))


def has_replicated(master):
    """Whether each replica has acknowledged all that was written so far."""
    _, written, replicas = master.ask("ROLE")
    return all(int(acknowledged) >= int(written) for _, _, acknowledged in replicas)


def used(*counted):
    return [usage.used for usage in counters.take(counted, count=False)]


@pytest.mark.parametrize("bucket", ["", "1", "2", "3"])
def test_a_limit_is_exact_under_threads_in_every_bucket(cluster, bucket):
    counted = [counter(name, limit, bucket=bucket) for name, limit in (("a", 100), ("b", 300))]
    counted.append(Counter("test:c", Rate(500, 7200, is_sliding=True), bucket=bucket))
    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(lambda _: take(*counted), range(250))) == 100
    assert used(*counted) == [100, 100, 100]
    counters.give_back(counted)
    assert used(*counted) == [99, 99, 99]
    counters.forget(counted)
    assert used(*counted) == [0, 0, 0]


def test_the_keys_of_a_caller_lie_in_one_slot_and_the_callers_on_all_machines(cluster):
    rates = (Rate(10, 60), Rate(100, 3600, budget="search"), Rate(1000, 86400, budget="api"))
    keys_of = _held().counters._keys_of
    masters = set()
    for number in range(40):
        for whose in (f"user:{number}", f"address:198.51.{number}.7"):
            throttling.admit("views.View", whose, rates)
            counted = [throttling._counter("views.View", whose, rate) for rate in rates]
            keys = [key for each in counted for key in keys_of(each)]
            assert len(keys) == (3 if whose.startswith("user") else 9)
            ask = cluster.living().ask
            [_] = {ask("CLUSTER KEYSLOT", key) for key in keys}
            masters.add(cluster.master_of(keys[0]).port)
    assert len(masters) == 3


def test_braces_of_a_prefix_change_no_slot(cluster, settings):
    held = settings.CACHES["rates"]
    settings.CACHES = {**settings.CACHES, "rates": {**held, "KEY_PREFIX": "{of the site}"}}
    key = _held().counters._keys_of
    one, other = (key(counter("a", 1, bucket=bucket))[0] for bucket in ("1", "2"))
    ask = cluster.living().ask
    assert ask("CLUSTER KEYSLOT", one) != ask("CLUSTER KEYSLOT", other)


def test_strangers_store_no_more_than_is_set_and_share_a_count_after_that(cluster, settings):
    settings.API_GUARD = {**settings.API_GUARD, "MAX_COUNTERS": 256 * 5}

    def stranger(number):
        return counter(number, 3, spare="shared", kind="strangers", bucket="7")

    assert [take(stranger(number)) for number in range(5)] == [True] * 5
    # The sixth and all others share one count, and the first five have their own.
    assert [take(stranger(number)) for number in range(5, 10)] == [True] * 3 + [False] * 2
    assert used(stranger(0)) == [1]
    # What has no bucket is numbered in one, up to the whole of it.
    failed = [counter(f"f{number}", 3, spare="shared", kind="failed") for number in range(9)]
    assert [take(each) for each in failed] == [True] * 9


def test_several_values_are_read_from_wherever_they_lie(cluster):
    names = [f"name-{number}" for number in range(9)]
    for name in names[:7]:
        counters.ask(lambda cache, name=name: cache.set(name, name.upper(), 60))
    assert counters.get_many(names) == {name: name.upper() for name in names[:7]}


def test_a_script_that_a_machine_has_forgotten_is_loaded_again(cluster):
    assert take(counter("a", 3))
    for node in cluster.nodes:
        node.ask("SCRIPT FLUSH")
    assert [take(counter("a", 3)) for _ in range(3)] == [True, True, False]


def test_a_limit_is_exact_in_several_processes(cluster, settings):
    code = (
        "import json, sys; from django.conf import settings; told = json.loads(sys.argv[1]);"
        "settings.configure(CACHES=told, RATELIMIT_USE_CACHE='rates'); import django;"
        "django.setup();"
        "from api_guard.limits import counters; from api_guard.core.rates import Counter, Rate;"
        "one = Counter('test:p', Rate(100, 3600), bucket='9');"
        "print(sum(not counters.take([one])[0].exceeded for _ in range(60)))"
    )
    told = json.dumps(settings.CACHES)
    asked = [
        subprocess.Popen([sys.executable, "-c", code, told], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    admitted = [int(process.communicate(timeout=60)[0]) for process in asked]
    assert sum(admitted) == 100
    assert used(counter("p", 100, bucket="9")) == [100]


def caller_of(cluster, master, *, is_there):
    """Return the bucket of a caller whom `master` counts, or does not."""
    for number in range(256):
        bucket = str(number)
        serves = cluster.master_of(f"{{api_guard:{bucket}}}") is master
        if serves is is_there:
            return bucket
    raise AssertionError("everybody is there")


@pytest.mark.parametrize("engine", ["django-redis on Redis", "django-valkey on Redis"])
def test_a_limit_holds_over_the_failover_of_a_master(broken, count_on_cluster, engine):
    count_on_cluster(broken, engine)
    master = broken.master_of("{api_guard:1}")
    here = counter("here", 100, bucket="1")
    there = counter("there", 100, bucket=caller_of(broken, master, is_there=False))
    assert [take(here) for _ in range(40)] == [True] * 40
    # What has not reached the replica is lost with the master.
    assert until(lambda: master.ask("ROLE")[2], "no replica follows")
    until(lambda: has_replicated(master), "the replica is behind")
    broken.hurry()
    master.kill()
    began = time.monotonic()
    with pytest.raises(CounterFault):
        take(here)
    assert time.monotonic() - began < 3 * TIMEOUT
    faults.end_pause()
    assert take(there)  # another machine's callers are counted on
    until(lambda: broken.master_of("{api_guard:1}") is not master, "nobody takes over")
    until(lambda: broken.is_whole(replicas=2), "the cluster is not whole")
    faults.end_pause()
    admitted = 0
    for _ in range(200):
        try:
            admitted += take(here)
        except CounterFault:
            faults.end_pause()
    assert admitted == 60
    assert used(here) == [100]


@pytest.mark.parametrize("engine", ["django-redis on Redis", "django-valkey on Redis"])
def test_a_limit_holds_while_its_slot_moves_to_another_machine(broken, count_on_cluster, engine):
    counted, answers, longest = count_while_it_moves(broken, count_on_cluster, engine, keys=10)
    assert used(*counted) == [500, 500]
    assert answers.count(True) == 500
    given_up = [each for each in answers if isinstance(each, CounterFault)]
    # No answer may fail, but for one: the client tries for half a second, and a machine that had
    # other work in the middle of a move was longer at it.
    assert not given_up or longest > 0.3, (given_up, longest)
    assert {str(each) for each in given_up} <= {"TTL exhausted."}


@pytest.mark.parametrize("engine", ["django-redis on Redis", "django-valkey on Redis"])
def test_a_limit_holds_while_two_machines_have_a_part_of_its_slot(broken, count_on_cluster, engine):
    # The client tries for half a second; a machine that moves slower than that makes it give up.
    counted, answers, _ = count_while_it_moves(broken, count_on_cluster, engine, keys=1)
    assert used(*counted) == [500, 500]
    assert answers.count(True) == 500
    assert {str(each) for each in answers if isinstance(each, CounterFault)} <= {"TTL exhausted."}


def count_while_it_moves(cluster, count_on_cluster, engine, keys):
    """Count in two threads while a slot moves.

    Return the counters, each answer or fault, and the seconds of the longest step of the move.
    """
    count_on_cluster(cluster, engine, timeout=10)
    source = cluster.master_of("{api_guard:1}")
    target = cluster.master_of(f"{{api_guard:{caller_of(cluster, source, is_there=False)}}}")
    counted = [counter("a", 500, bucket="1"), counter("b", 900, 7200, bucket="1")]
    # Both keys exist before: a machine to which a slot moves makes no two new ones in one step.
    stop, answers = threading.Event(), [take(*counted)]

    def count():
        while not stop.is_set():
            try:
                answers.append(take(*counted))
            except CounterFault as fault:
                faults.end_pause()
                answers.append(fault)

    with ThreadPoolExecutor(2) as pool:
        for _ in range(2):
            pool.submit(count)
        try:
            slot = cluster.living().ask("CLUSTER KEYSLOT", "{api_guard:1}")
            longest = move(cluster, slot, source, target, keys)
            until(lambda: len(answers) > 1500, "it takes long")
        finally:
            stop.set()
    assert cluster.master_of("{api_guard:1}") is target
    return counted, answers, longest


def move(cluster, slot, source, target, keys):
    """Move a slot as `redis-cli --cluster reshard` does, so many keys at once (10, by default).

    It tells all masters where the slot is. Return the seconds of the longest step, with the wait
    after it.
    """
    of_source, of_target = source.ask("CLUSTER MYID"), target.ask("CLUSTER MYID")
    are_masters = [each for each in cluster.nodes if (each.ask("ROLE") or ("",))[0] == "master"]
    masters = sorted(are_masters, key=lambda each: (each is not target, each is not source))
    target.ask("CLUSTER SETSLOT", slot, "IMPORTING", of_source)
    source.ask("CLUSTER SETSLOT", slot, "MIGRATING", of_target)
    time.sleep(0.1)
    moments = []
    while found := source.ask("CLUSTER GETKEYSINSLOT", slot, keys):
        moments.append(time.monotonic())
        source.ask("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *found)
        time.sleep(0.02)
    moments.append(time.monotonic())
    for node in masters:
        node.ask("CLUSTER SETSLOT", slot, "NODE", of_target)
    moments.append(time.monotonic())
    return max(after - before for before, after in pairwise(moments))


@pytest.mark.parametrize("engine", ["django-redis on Redis", "django-valkey on Redis"])
def test_no_wait_for_a_machine_that_hangs_is_longer_than_is_set(broken, count_on_cluster, engine):
    count_on_cluster(broken, engine)
    one = counter("a", 9, bucket="1")
    assert take(one)
    master = broken.master_of("{api_guard:1}")
    master.hang()
    began = time.monotonic()
    with pytest.raises(CounterFault):
        take(one)
    assert time.monotonic() - began < 4 * TIMEOUT
    # Each would wait if one did. The quickest is the one that no other process kept waiting.
    assert min(seconds_of_a_fault(one) for _ in range(5)) < TIMEOUT / 2
    master.resume()


def seconds_of_a_fault(counter):
    began = time.monotonic()
    with pytest.raises(CounterFault):
        take(counter)
    return time.monotonic() - began


@pytest.mark.parametrize("engine", ["django-redis on Redis", "django-valkey on Redis"])
def test_a_cluster_that_is_not_there_is_a_fault_and_counts_once_it_is(
    broken, count_on_cluster, engine
):
    count_on_cluster(broken, engine)
    for node in broken.nodes:
        node.hang()
    began = time.monotonic()
    with pytest.raises(CounterFault):
        take(counter("a", 9))
    assert time.monotonic() - began < 4 * TIMEOUT
    with pytest.raises(CounterFault):
        take(counter("a", 9))
    assert counters.tenant() == caches["rates"].make_key("")
    for node in broken.nodes:
        node.resume()
    until(broken.is_whole, "it does not recover")
    faults.end_pause()
    assert take(counter("a", 9))
