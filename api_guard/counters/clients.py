"""The Redis client of a Django cache, with timeouts that are set and not inherited."""

from __future__ import annotations

from typing import Any

from django.core.cache import BaseCache
from django.core.cache.backends.redis import RedisCache


def bounded_client(cache: BaseCache, timeout: float) -> Any:
    """Return the client of `cache`, which waits no longer than `timeout` for a connection, an
    answer or a place in the pool, and tries once; None where the cache is on no Redis server.

    `cache` must be nobody else's. It keeps the timeouts.
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


def _client(cache: Any) -> Any:
    if isinstance(cache, RedisCache):
        return cache._cache.get_client(write=True)
    # django-redis; its sharded and clustered clients have no one server for a script.
    client: Any = getattr(cache, "client", None)
    if f"{type(client).__module__}.{type(client).__qualname__}" == _DJANGO_REDIS:
        return client.get_client(write=True)
    return None


_DJANGO_REDIS = "django_redis.client.default.DefaultClient"
