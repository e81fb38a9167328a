"""Gets the Redis client of a Django cache and gives it the guard's own timeouts."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

from django.core.cache import BaseCache
from django.core.cache.backends.redis import RedisCache

from api_guard.limits.counters.knocking import Place, place_of, place_of_socket

# The clients of django-redis and django-valkey that can run a script: on one server, or on a
# cluster that finds the right server. Their sharded clients cannot: no server knows the others.
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
    """Return the client of `cache` with bounded waits, or None if the cache is not on Redis.

    The client waits at most `timeout` for a connection, an answer or a place in the pool, and tries
    once. `cache` must not be used elsewhere: from now on it has these timeouts, uses only its first
    server (a replica may lag behind) and hides no fault. The client of a cluster asks for the list
    of machines at once, and this raises what the client raises.
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
    """Whether this is the cluster client of redis-py or valkey-py."""
    return hasattr(client, "nodes_manager")


def library_of(client: Any) -> str:
    """Return the name of the client's library: `redis` or `valkey`."""
    names = (cls.__module__.partition(".")[0] for cls in type(client).__mro__)
    return "valkey" if "valkey" in names else "redis"


def place_of_client(client: Any) -> Place | None:
    """Return where the server of a Redis client listens, or None if that may change."""
    if is_cluster(client) or hasattr(client.connection_pool, "sentinel_manager"):
        return None
    said = client.connection_pool.connection_kwargs
    if "path" in said:
        return place_of_socket(said["path"])
    return place_of(said.get("host", "localhost"), said.get("port", 6379))


def place_of_memcached(cache: Any) -> Place | None:
    """Return where Memcached listens, or None for another cache or for several servers."""
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
    # By default, all caches of the process share the pools, the project's caches too.
    factory._pools = {}
    # A cluster client asks for the list of machines as soon as it is made.
    for name in ("base_client_cls", "redis_client_cls"):
        if is_cluster_class(getattr(factory, name, None)):
            given = getattr(factory, f"{name}_kwargs")
            setattr(factory, f"{name}_kwargs", {**given, **_waits(timeout)})
    return client.get_client(write=True)


def is_cluster_class(cls: Any) -> bool:
    """Whether this is a cluster client class."""
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
        del bounds["socket_connect_timeout"]  # a Unix socket connection does not have it
    pool.connection_kwargs.update(bounds)
    if hasattr(pool, "timeout"):
        pool.timeout = timeout  # a BlockingConnectionPool waits for a connection
    manager = getattr(pool, "sentinel_manager", None)
    for sentinel in manager.sentinels if manager is not None else ():
        _bind(sentinel.connection_pool, timeout)


def _bind_cluster(client: Any, timeout: float) -> None:
    # Do not retry on a cluster. The next request asks the machine that has taken over.
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
