"""Checks of what the rates are counted on."""

from __future__ import annotations

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error

from api_guard import conf
from api_guard.endpoints import policy_of, routes

# They read, change and write back, or do not keep anything: a limit of 100 lets 800 through.
_CANNOT_COUNT = {
    "django.core.cache.backends.dummy.DummyCache": "keeps nothing",
    "django.core.cache.backends.db.DatabaseCache": "does not count atomically",
    "django.core.cache.backends.filebased.FileBasedCache": "does not count atomically",
}
_ONE_PROCESS = "django.core.cache.backends.locmem.LocMemCache"


def check_counters(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E019, W020: rates are counted on a cache that can count."""
    del app_configs
    if not any((policy := policy_of(route.view_class)) and policy.rates for route in routes()):
        return []
    if not conf.ratelimit_enabled():
        text = "RATELIMIT_ENABLE is False, so that no rate counts."
        return [checks.Warning(text, hint="RATELIMIT_ENABLE = True", id="api_guard.W020")]
    alias = getattr(settings, "RATELIMIT_USE_CACHE", "default")
    backend = settings.CACHES.get(alias, {}).get("BACKEND", "nothing")
    hint = (
        'CACHES = {..., "rates": {"BACKEND": "django.core.cache.backends.redis.RedisCache", '
        '"LOCATION": "redis://..."}} and RATELIMIT_USE_CACHE = "rates"'
    )
    flaw = _CANNOT_COUNT.get(backend, "is not configured" if backend == "nothing" else None)
    if flaw is not None:
        text = f"Rates are counted on the cache {alias!r} ({backend}), which {flaw}."
        return [Error(text, hint=hint, id="api_guard.E019")]
    if backend == _ONE_PROCESS and not settings.DEBUG:
        text = f"Rates are counted on the cache {alias!r}, by each process for itself."
        return [checks.Warning(text, hint=hint, id="api_guard.W020")]
    return []
