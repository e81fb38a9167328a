"""The Redis client of a Django cache, with timeouts that are set and not inherited."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

from django.core.cache import BaseCache
from django.core.cache.backends.redis import RedisCache

from api_guard.limits.counters.knocking import Place, place_of, place_of_socket

# The clients of django-redis and django-valkey that have one server for a script, or a cluster
# that knows which. Of a hash ring (their sharded clients) no server knows the others.
_ONE_SERVER = frozenset(
    {
        "django_redis.client.default.DefaultClient",
        "django_redis.client.sentinel.SentinelClient",
        "django_valkey.client.default.DefaultClient",
        "django_valkey.client.sentinel.SentinelClient",
        "django_valkey.cluster_cache.client.default.DefaultClusterClient",
    }
)


def bounded_client(cache: BaseCache, timeout: float) -> Any:
    """Return the client of `cache`, which waits no longer than `timeout` for a connection, an
    answer or a place in the pool, and tries once; None where the cache is on no Redis server.

    `cache` must be nobody else's. It keeps the timeouts, asks the first of its servers alone, for
    a replica may not know yet, and hides no fault. Raises what the client of a cluster raises,
    which asks at once which machines there are.
    """
    client = _client(cache, timeout)
    if client is None:
        return None
    if is_cluster(client):
        _bind_cluster(client, timeout)
    else:
        _bind(client.connection_pool, timeout)
    return client


def is_cluster(client: Any) -> bool:
    """Whether it is the client of a cluster, of redis-py or of valkey-py."""
    return hasattr(client, "nodes_manager")


def library_of(client: Any) -> str:
    """Return the name of the library that a client is from: `redis` or `valkey`."""
    names = (cls.__module__.partition(".")[0] for cls in type(client).__mro__)
    return "valkey" if "valkey" in names else "redis"


def place_of_client(client: Any) -> Place | None:
    """Return where the server of a Redis client listens; None where that may change."""
    if is_cluster(client) or hasattr(client.connection_pool, "sentinel_manager"):
        return None
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


def _client(cache: Any, timeout: float) -> Any:
    if isinstance(cache, RedisCache):
        django: Any = cache
        django._servers = list(django._servers)[:1]
        return django._cache.get_client(write=True)
    client: Any = getattr(cache, "client", None)
    if f"{type(client).__module__}.{type(client).__qualname__}" not in _ONE_SERVER:
        return None
    client._server = _listed(client._server)[:1]
    client._clients = [None]
    cache._ignore_exceptions = False
    factory = client.connection_factory
    # Its pools are those of all caches of the process, the project's too, by address.
    factory._pools = {}
    # A cluster is asked for its machines as soon as its client is made.
    for name in ("base_client_cls", "redis_client_cls"):
        if is_cluster_class(getattr(factory, name, None)):
            given = getattr(factory, f"{name}_kwargs")
            setattr(factory, f"{name}_kwargs", {**given, **_waits(timeout)})
    return client.get_client(write=True)


def is_cluster_class(cls: Any) -> bool:
    """Whether it is a class of clients of a cluster."""
    return hasattr(cls, "get_primaries")


def _listed(servers: Any) -> list[Any]:
    return re.split("[;,]", servers) if isinstance(servers, str) else list(servers)


def _waits(timeout: float) -> dict[str, float]:
    return {"socket_timeout": timeout, "socket_connect_timeout": timeout}


def _bind(pool: Any, timeout: float) -> None:
    library = library_of(pool)
    no_backoff = import_module(f"{library}.backoff").NoBackoff()
    retry = import_module(f"{library}.retry").Retry(no_backoff, 0)
    bounds = {**_waits(timeout), "retry": retry, "retry_on_timeout": False}
    if "path" in pool.connection_kwargs:
        del bounds["socket_connect_timeout"]  # the connection of a Unix socket knows none
    pool.connection_kwargs.update(bounds)
    if hasattr(pool, "timeout"):
        pool.timeout = timeout  # a BlockingConnectionPool waits for a connection
    manager = getattr(pool, "sentinel_manager", None)
    for sentinel in manager.sentinels if manager is not None else ():
        _bind(sentinel.connection_pool, timeout)


def _bind_cluster(client: Any, timeout: float) -> None:
    # What a cluster did not answer, the next request asks the machine that has taken over.
    if library_of(client) == "valkey":
        client.cluster_error_retry_attempts = 0
    else:
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        client.set_retry(Retry(NoBackoff(), 0))
    client.nodes_manager.connection_kwargs.update(_waits(timeout))
    for node in client.get_nodes():
        pool = getattr(node, f"{library_of(client)}_connection").connection_pool
        _bind(pool, timeout)
        pool.disconnect()
        pool.reset()  # an open connection keeps the timeouts with which it was opened
