"""Checks of the rates, and of the cache that counts them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string

from api_guard import conf
from api_guard.access.endpoints import rates_in_use
from api_guard.core.rates import CEILING, Rate

_BACKENDS = "django.core.cache.backends"
# They do not store anything, or read and write in two steps: a limit of 100 lets 800 through.
_CANNOT_COUNT = {
    f"{_BACKENDS}.dummy.DummyCache": "does not store anything",
    f"{_BACKENDS}.db.DatabaseCache": "does not count atomically",
    f"{_BACKENDS}.filebased.FileBasedCache": "does not count atomically",
}
_ONE_PROCESS = f"{_BACKENDS}.locmem.LocMemCache"
_RUN_SCRIPTS = (
    _ONE_PROCESS,
    f"{_BACKENDS}.redis.RedisCache",
    "django_redis.cache.RedisCache",
    "django_valkey.cache.ValkeyCache",
    "django_valkey.cluster_cache.cache.ClusterValkeyCache",
)
# Where each has its timeouts, and the ones that must be set.
_MEMCACHED = {
    f"{_BACKENDS}.memcached.PyMemcacheCache": '{"timeout": 0.5, "connect_timeout": 0.5}',
    f"{_BACKENDS}.memcached.PyLibMCCache": (
        '{"behaviors": {"connect_timeout": 500, "send_timeout": 500000, "receive_timeout": 500000}}'
    ),
}
_BOUNDS = {"timeout", "receive_timeout"}
_HINT = (
    'CACHES = {..., "rates": {"BACKEND": "django.core.cache.backends.redis.RedisCache", '
    '"LOCATION": "redis://..."}} and RATELIMIT_USE_CACHE = "rates"'
)


def check_counters(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E019, W020: rates and failed credentials are counted on a cache that can count."""
    del app_configs
    if not conf.ratelimit_enabled():
        text = "RATELIMIT_ENABLE is False: no rate has an effect."
        return [checks.Warning(text, hint="RATELIMIT_ENABLE = True", id="api_guard.W020")]
    alias, backend, _ = _cache()
    kind = _kind_of(backend)
    flaw = _CANNOT_COUNT.get(kind, "is not configured" if backend == "nothing" else None)
    if flaw is not None:
        text = f"Rates are counted on the cache {alias!r} ({backend}), which {flaw}."
        return [Error(text, hint=_HINT, id="api_guard.E019")]
    if kind == _ONE_PROCESS and not settings.DEBUG:
        text = f"Rates are counted on the cache {alias!r}, separately in each process."
        return [checks.Warning(text, hint=_HINT, id="api_guard.W020")]
    return []


def check_budgets(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E050: a budget has the same limit everywhere."""
    del app_configs
    first: dict[tuple[str, int], tuple[Rate, str]] = {}
    found: dict[tuple[str, ...], CheckMessage] = {}
    for rate, place, _view in rates_in_use():
        if rate.budget in ("", CEILING):
            continue  # a ceiling may differ for users, clients and addresses
        key = (rate.budget, rate.seconds)
        other, where = first.setdefault(key, (rate, place))
        if (other.limit, other.is_sliding) != (rate.limit, rate.is_sliding):
            message = Error(
                f"The budget {rate.budget!r} is {_said(other)} in {where} and {_said(rate)} in "
                f"{place}.",
                hint=f'Write it once, as in shared = budget("{rate.budget}", "{other.written}"), '
                "and use it in both places.",
                id="api_guard.E050",
            )
            found.setdefault((rate.budget, place, _said(rate)), message)
    return list(found.values())


def check_sliding(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E051: a sliding rate is counted where a script can run."""
    del app_configs
    alias, backend, _ = _cache()
    if _kind_of(backend) in {*_RUN_SCRIPTS, *_CANNOT_COUNT}:
        return []
    places = dict.fromkeys(place for rate, place, _ in rates_in_use() if rate.is_sliding)
    return [
        Error(
            f"{place} has a sliding rate, and the cache {alias!r} ({backend}) cannot run "
            "scripts: the rate is counted in fixed windows.",
            hint=_HINT,
            id="api_guard.E051",
        )
        for place in places
    ]


def check_timeouts(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E052: the cache that counts has a timeout."""
    del app_configs
    alias, backend, options = _cache()
    bounds = {**options, **options.get("behaviors", {})}
    kind = _kind_of(backend)
    if kind not in _MEMCACHED or bounds.keys() & _BOUNDS:
        return []
    return [
        Error(
            f"Rates are counted on the cache {alias!r} ({backend}), which waits without a "
            "limit for a server that hangs.",
            hint=f'CACHES["{alias}"]["OPTIONS"] = {_MEMCACHED[kind]}',
            id="api_guard.E052",
        )
    ]


def _kind_of(backend: str) -> str:
    """Return the backend above from which this one is derived; `backend` itself if there is none.

    Packages that measure caches derive their own.
    """
    known = {*_CANNOT_COUNT, *_RUN_SCRIPTS, *_MEMCACHED}
    try:
        bases = () if backend in known else getattr(import_string(backend), "__mro__", ())
    except ImportError:
        return backend  # Django says so
    names = (f"{base.__module__}.{base.__qualname__}" for base in bases)
    return next((name for name in names if name in known), backend)


def _cache() -> tuple[str, str, dict[str, Any]]:
    alias = conf.counters_alias()
    cache: dict[str, Any] = settings.CACHES.get(alias, {})
    return alias, cache.get("BACKEND", "nothing"), cache.get("OPTIONS") or {}


def _said(rate: Rate) -> str:
    return f"{rate.written} sliding" if rate.is_sliding else rate.written
