"""The Redis client of a Django cache, with timeouts that are set and not inherited."""

from __future__ import annotations

import re
from typing import Any

from django.core.cache import BaseCache
from django.core.cache.backends.redis import RedisCache

from api_guard.limits.counters.knocking import Place, place_of, place_of_socket


def bounded_client(cache: BaseCache, timeout: float) -> Any:
    """Return the client of `cache`, which waits no longer than `timeout` for a connection, an
    answer or a place in the pool, and tries once; None where the cache is on no Redis server.

    `cache` must be nobody else's. It keeps the timeouts, asks the first of its servers alone, for
    a replica may not know yet, and hides no fault.
    """
    client = _client(cache)
    if client is None:
        return None
    from redis import UnixDomainSocketConnection
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    pool = client.connection_pool
    bounds = {"socket_timeout": timeout, "retry": Retry(NoBackoff(), 0), "retry_on_timeout": False}
    if not issubclass(pool.connection_class, UnixDomainSocketConnection):
        bounds["socket_connect_timeout"] = timeout
    pool.connection_kwargs.update(bounds)
    if hasattr(pool, "timeout"):
        pool.timeout = timeout  # a BlockingConnectionPool waits for a connection
    return client


def place_of_client(client: Any) -> Place | None:
    """Return where the server of a Redis client listens."""
    said = client.connection_pool.connection_kwargs
    if "path" in said:
        return place_of_socket(said["path"])
    return place_of(said.get("host", "localhost"), said.get("port", 6379))


def place_of_memcached(cache: Any) -> Place | None:
    """Return where Memcached listens; None of another cache, and of several servers."""
    servers: Any = getattr(cache, "client_servers", ())
    if len(servers) != 1:
        return None
    [first] = servers
    server = str(first)
    if server.startswith(("unix:", "/")):
        return place_of_socket(server.removeprefix("unix:"))
    host, _, port = server.rpartition(":")
    return place_of(host.strip("[]"), int(port)) if host and port.isdigit() else None


def _client(cache: Any) -> Any:
    if isinstance(cache, RedisCache):
        django: Any = cache
        django._servers = list(django._servers)[:1]
        return django._cache.get_client(write=True)
    # django-redis; its sharded and clustered clients have no one server for a script.
    client: Any = getattr(cache, "client", None)
    if f"{type(client).__module__}.{type(client).__qualname__}" != _DJANGO_REDIS:
        return None
    client._server = _listed(client._server)[:1]
    client._clients = [None]
    cache._ignore_exceptions = False
    return client.get_client(write=True)


def _listed(servers: Any) -> list[Any]:
    return re.split("[;,]", servers) if isinstance(servers, str) else list(servers)


_DJANGO_REDIS = "django_redis.client.default.DefaultClient"
