"""A cache that is none of those that api_guard knows."""

from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache


class PlainCache(BaseCache):
    """Adds and increments, and hides that it is local memory."""

    def __init__(self, location, params):
        super().__init__(params)
        self._inner = LocMemCache(location, params)

    def add(self, *args, **kwargs):
        return self._inner.add(*args, **kwargs)

    def get(self, *args, **kwargs):
        return self._inner.get(*args, **kwargs)

    def set(self, *args, **kwargs):
        return self._inner.set(*args, **kwargs)

    def delete(self, *args, **kwargs):
        return self._inner.delete(*args, **kwargs)

    def incr(self, *args, **kwargs):
        return self._inner.incr(*args, **kwargs)


class MeasuredLocal(LocMemCache):
    """As a package that measures caches derives its own."""


class MeasuredFiles(FileBasedCache): ...


class MeasuredRedis(RedisCache): ...
