"""Counts on the master that Sentinels name: exact before and after it dies, and a fault between."""

from __future__ import annotations

import time

import pytest
from django.test import RequestFactory
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import PUBLIC, guard
from api_guard.core.rates import Counter, Rate
from api_guard.limits import counters
from api_guard.limits.counters import CounterFault, faults
from api_guard.limits.counters.redis import RedisCounters
from api_guard.limits.counters.shared import _held
from tests.machines import Watched, program, until
from tests.servers import DJANGO_REDIS, REDIS, TIMEOUT

# The server and the cache.
ENGINES = {
    "Django on Redis": ("redis", "django.core.cache"),
    "django-redis on Redis": ("redis", "django_redis"),
    "django-valkey on Valkey": ("valkey", "django_valkey"),
}


def cache_of(library, addresses):
    """Return what docs/deploy.md shows."""
    if library == "django_redis":
        return {
            "BACKEND": DJANGO_REDIS,
            "LOCATION": "redis://rates/0",
            "OPTIONS": {
                "CLIENT_CLASS": "django_redis.client.SentinelClient",
                "CONNECTION_FACTORY": "django_redis.pool.SentinelConnectionFactory",
                "SENTINELS": addresses,
            },
        }
    if library == "django_valkey":
        return {
            "BACKEND": "django_valkey.cache.ValkeyCache",
            "LOCATION": "valkey://rates/0",
            "OPTIONS": {
                "CLIENT_CLASS": "django_valkey.client.SentinelClient",
                "CONNECTION_FACTORY": "django_valkey.pool.SentinelConnectionFactory",
                "SENTINELS": addresses,
            },
        }
    from redis.sentinel import Sentinel

    return {
        "BACKEND": REDIS,
        "LOCATION": "redis://rates/0",
        "OPTIONS": {
            "pool_class": "redis.sentinel.SentinelConnectionPool",
            "service_name": "rates",
            "sentinel_manager": Sentinel(addresses),
        },
    }


@pytest.fixture(params=ENGINES)
def watched(request, settings):
    server, library = ENGINES[request.param]
    pytest.importorskip(library)
    watched = Watched(program(server))
    try:
        watched.start()
        settings.API_GUARD = {**settings.API_GUARD, "COUNTER_TIMEOUT": TIMEOUT}
        settings.CACHES = {
            "default": settings.CACHES["default"],
            "rates": cache_of(library, watched.addresses()),
        }
        settings.RATELIMIT_USE_CACHE = "rates"
        faults.end_pause()
        assert type(_held().counters) is RedisCounters
        yield watched
    finally:
        watched.close()


@guard(read=PUBLIC, throttle="100/h")
class View(APIView):
    authentication_classes = []

    def get(self, request):
        return Response()


def admitted(times):
    """How many of so many requests are let in; all others must be refused with 429 or 503."""
    statuses = [View.as_view()(RequestFactory().get("/")).status_code for _ in range(times)]
    assert set(statuses) <= {200, 429, 503}, statuses
    return statuses.count(200)


def take():
    return not counters.take([Counter("test:one", Rate(100, 3600))])[0].exceeded


def test_a_limit_holds_over_the_failover_of_a_master(watched, settings):
    settings.API_GUARD = {**settings.API_GUARD, "ON_FAULT": "deny"}
    assert admitted(40) == 40
    assert [take() for _ in range(30)] == [True] * 30
    until(lambda: watched.master.ask("WAIT", 1, 1000), "the replica lags")
    watched.master.kill()
    # Meanwhile nobody is let in where `ON_FAULT` says deny, and by the counts of the process where
    # it says local.
    began = time.monotonic()
    assert admitted(1) == 0
    with pytest.raises(CounterFault):
        take()
    assert time.monotonic() - began < 4 * TIMEOUT
    settings.API_GUARD = {**settings.API_GUARD, "ON_FAULT": "local"}
    assert admitted(150) == 100
    settings.API_GUARD = {**settings.API_GUARD, "ON_FAULT": "deny"}
    watched.take_over()
    until(watched.is_failed_over, "nobody takes over")
    until(lambda: all(map(watched.names_the_new_one, watched.sentinels)), "it is not known")
    faults.end_pause()
    assert admitted(150) == 60
    assert sum(take() for _ in range(150)) == 70


def test_a_master_that_was_only_renamed_is_written_to_no_more(watched):
    assert [take() for _ in range(30)] == [True] * 30
    until(lambda: watched.master.ask("WAIT", 1, 1000), "the replica lags")
    watched.sentinels[0].ask("SENTINEL FAILOVER", "rates")
    until(watched.is_failed_over, "nobody takes over")
    until(lambda: watched.master.ask("ROLE")[0] == "slave", "it is still a master")
    until(lambda: all(map(watched.names_the_new_one, watched.sentinels)), "it is not known")
    answers = []
    for _ in range(150):
        try:
            answers.append(take())
        except CounterFault:
            faults.end_pause()
    # One request finds out that the master is none any more.
    assert len(answers) >= 149
    assert answers.count(True) == 70
