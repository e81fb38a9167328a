"""The script of the counters goes to Redis in one round trip, by a connection that is kept."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import pytest
from django.core.cache import caches

from api_guard.core.rates import Counter, Rate
from api_guard.limits import counters
from api_guard.limits.counters.shared import _held
from tests.servers import REDIS

redis = pytest.importorskip("redis")
COUNTER = Counter("test:script", Rate(1000, 3600))


@pytest.fixture
def script(own_redis, count_on):
    count_on(REDIS, own_redis)
    return _held().counters._script


def take():
    [usage] = counters.take([COUNTER])
    return usage.used


def test_a_connection_is_kept_and_used_again(script):
    assert [take() for _ in range(3)] == [1, 2, 3]
    [kept] = script._idle
    assert take() == 4
    assert script._idle == [kept]


def test_threads_have_a_connection_each_while_they_count(script):
    with ThreadPoolExecutor(8) as pool:
        used = sorted(pool.map(lambda _: take(), range(200)))
    assert used == list(range(1, 201))
    assert 1 <= len(script._idle) <= 8


def test_a_server_that_has_forgotten_the_script_is_given_it_again(script):
    assert take() == 1
    caches["rates"]._cache.get_client().script_flush()
    assert [take(), take()] == [2, 3]


def test_a_connection_that_the_server_has_closed_is_opened_again(script):
    assert take() == 1
    caches["rates"]._cache.get_client().client_kill_filter(_type="normal", skipme=True)
    assert [take(), take()] == [2, 3]


def test_a_connection_that_cannot_be_looked_at_is_opened_again(script):
    assert take() == 1
    [kept] = script._idle
    kept._sock.close()
    assert [take(), take()] == [2, 3]


def test_an_encrypted_connection_is_looked_at_and_read_by_its_client(script):
    assert take() == 1
    [kept] = script._idle
    with (
        patch("api_guard.limits.counters.scripts._plain_socket", return_value=None),
        patch.object(kept, "can_read", wraps=kept.can_read) as looked,
        patch.object(kept, "read_response", wraps=kept.read_response) as read,
    ):
        assert [take(), take()] == [2, 3]
    assert (looked.call_count, read.call_count) == (2, 2)
    assert take() == 4


@pytest.mark.parametrize("most", [1, 4, 6])
def test_an_answer_that_comes_in_parts_is_read_by_the_client(script, most):
    with patch("api_guard.limits.counters.scripts._SHORT", most):
        assert [take(), take()] == [1, 2]
    assert take() == 3


def test_a_process_that_was_forked_opens_its_own(script):
    assert take() == 1
    [of_parent] = script._idle
    with patch("api_guard.limits.counters.scripts.os.getpid", return_value=os.getpid() + 1):
        assert take() == 2
        assert of_parent not in script._idle
    of_parent.disconnect()


def test_who_watches_the_commands_of_a_client_sees_these_too(own_redis, count_on):
    seen = []
    execute = redis.Redis.execute_command

    def watched(self, *args, **options):
        seen.append(args[0])
        return execute(self, *args, **options)

    with patch.object(redis.Redis, "execute_command", watched):
        count_on(REDIS, own_redis)
        assert take() == 1
    assert "EVALSHA" in seen


def test_a_pool_of_another_kind_gives_its_own_connections(own_redis, count_on):
    count_on(REDIS, own_redis, pool_class="redis.BlockingConnectionPool", max_connections=2)
    assert [take(), take()] == [1, 2]
    assert _held().counters._script._idle == []
