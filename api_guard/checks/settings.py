"""Checks of what the settings say."""

from __future__ import annotations

import json
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error
from rest_framework.exceptions import APIException
from rest_framework.permissions import AllowAny
from rest_framework.renderers import BrowsableAPIRenderer
from rest_framework.settings import api_settings
from rest_framework.views import exception_handler

from api_guard import conf
from api_guard.endpoints import dotted_path, is_and, policy_of, routes, sides_of
from api_guard.permissions import Guarded

MIDDLEWARE = "api_guard.middleware.GuardMiddleware"

# They read, change and write back, or do not keep anything: a limit of 100 lets 800 through.
_CANNOT_COUNT = {
    "django.core.cache.backends.dummy.DummyCache": "keeps nothing",
    "django.core.cache.backends.db.DatabaseCache": "does not count atomically",
    "django.core.cache.backends.filebased.FileBasedCache": "does not count atomically",
}
_ONE_PROCESS = "django.core.cache.backends.locmem.LocMemCache"


def check_settings(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E001: everything in API_GUARD is known and well-formed."""
    del app_configs
    return [
        Error(
            f"API_GUARD: {mistake.name} {mistake.problem}", hint=mistake.mend, id="api_guard.E001"
        )
        for mistake in conf.mistakes()
    ]


def check_apps(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E027: Django REST framework is installed as an app."""
    del app_configs
    if apps.is_installed("rest_framework"):
        return []
    return [
        Error(
            "rest_framework is not in INSTALLED_APPS.",
            hint='INSTALLED_APPS = [..., "rest_framework", "oauth2_provider", "api_guard"]',
            id="api_guard.E027",
        )
    ]


def check_middleware(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E009: the gate and the seal stand, before everything else."""
    del app_configs
    listed = list(settings.MIDDLEWARE or [])
    if listed[:1] == [MIDDLEWARE]:
        return []
    problem = "is not first in" if MIDDLEWARE in listed else "is missing from"
    return [
        Error(
            f"{MIDDLEWARE} {problem} MIDDLEWARE, so that what another one answers or what a view "
            "does in its own dispatch() is not looked at.",
            hint=f'MIDDLEWARE = ["{MIDDLEWARE}", ...]  # first',
            id="api_guard.E009",
        )
    ]


def check_default_permission(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E005: what nobody declared is refused by default."""
    del app_configs
    classes: Any = api_settings.DEFAULT_PERMISSION_CLASSES  # the stubs show the names, not these
    if any(_is_guarded(permission) for permission in classes):
        return []
    # What the project had keeps its say, on exempt views above all.
    kept = [dotted_path(cls) for cls in classes if isinstance(cls, type) and cls is not AllowAny]
    listed = json.dumps(["api_guard.permissions.Guarded", *kept])
    return [
        Error(
            "REST_FRAMEWORK['DEFAULT_PERMISSION_CLASSES'] lacks Guarded, so that a view without "
            "a guard is open to whom DRF admits.",
            hint=f'REST_FRAMEWORK = {{"DEFAULT_PERMISSION_CLASSES": {listed}, ...}}',
            id="api_guard.E005",
        )
    ]


def _is_guarded(permission: Any) -> bool:
    if is_and(permission):
        return any(_is_guarded(side) for side in sides_of(permission))
    return isinstance(permission, type) and issubclass(permission, Guarded)


def check_sanitizer(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """W008: the HTML engine is a maintained one."""
    del app_configs
    if conf.sanitizer() != "bleach":
        return []
    return [
        checks.Warning(
            "API_GUARD['SANITIZER'] is bleach, which has been unmaintained since June 2026, "
            "security fixes included.",
            hint='API_GUARD["SANITIZER"] = "nh3", or leave it out.',
            id="api_guard.W008",
        )
    ]


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


class _Probe(APIException):
    status_code = 401
    default_detail = "probe"
    default_code = "probe"
    auth_header = 'Bearer realm="api"'
    wait = 7


def check_exception_handler(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E021: the exception handler keeps the status, the challenge and the wait of a refusal."""
    del app_configs
    handler: Any = api_settings.EXCEPTION_HANDLER
    if handler is exception_handler:
        return []
    context: dict[str, Any] = {"view": None, "args": (), "kwargs": {}, "request": None}
    try:
        response = handler(_Probe(), context)
        headers = {name.lower(): value for name, value in response.items()}
        kept = (response.status_code, headers.get("www-authenticate"), headers.get("retry-after"))
    except Exception as error:  # noqa: BLE001  # it is somebody else's function, and any will do
        kept = (type(error).__name__, None, None)
    if kept == (401, _Probe.auth_header, "7"):
        return []
    return [
        Error(
            f"REST_FRAMEWORK['EXCEPTION_HANDLER'] answers a refusal with {kept[0]}, "
            f"WWW-Authenticate {kept[1]!r} and Retry-After {kept[2]!r}.",
            hint="Begin it with response = rest_framework.views.exception_handler(exc, context), "
            "and change no more than response.data.",
            id="api_guard.E021",
        )
    ]


def check_parsers(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """W028: bodies are bounded, and JSON is JSON."""
    del app_configs
    found: list[CheckMessage] = []
    limit: Any = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if limit is None:
        text = "DATA_UPLOAD_MAX_MEMORY_SIZE is None, so that a body of any size is read."
        hint = "DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440  # bytes, which is Django's own"
        found.append(checks.Warning(text, hint=hint, id="api_guard.W028"))
    if api_settings.STRICT_JSON is not True:
        text = (
            "REST_FRAMEWORK['STRICT_JSON'] is off, so that NaN and Infinity are taken for numbers."
        )
        hint = 'REST_FRAMEWORK = {"STRICT_JSON": True, ...}, or leave it out.'
        found.append(checks.Warning(text, hint=hint, id="api_guard.W028"))
    return found


def check_renderers(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """W022: the browsable API is for development."""
    del app_configs
    classes: Any = api_settings.DEFAULT_RENDERER_CLASSES
    if settings.DEBUG or not any(issubclass(cls, BrowsableAPIRenderer) for cls in classes):
        return []
    return [
        checks.Warning(
            "The browsable API is on with DEBUG off: every answer may be asked for as a page of "
            "HTML with forms.",
            hint='REST_FRAMEWORK = {"DEFAULT_RENDERER_CLASSES": '
            '["rest_framework.renderers.JSONRenderer"], ...}',
            id="api_guard.W022",
        )
    ]
