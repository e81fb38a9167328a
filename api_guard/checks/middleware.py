"""Checks of where the guard's middleware stands."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string

MIDDLEWARE = "api_guard.middleware.GuardMiddleware"
# They answer for no view: what they measure or add is missing from each answer before theirs.
_OUTERMOST = {
    "corsheaders.middleware.CorsMiddleware",
    # Names for a request
    "cid.middleware.CidMiddleware",
    "django_guid.middleware.guid_middleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django_structlog.middlewares.request.RequestMiddleware",
    "log_request_id.middleware.RequestIDMiddleware",
    "request_id.middleware.RequestIdMiddleware",
    # Measures; the last three put themselves there
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "elasticapm.contrib.django.middleware.TracingMiddleware",
    "opentelemetry.instrumentation.django.middleware.otel_middleware._DjangoMiddleware",
    "scout_apm.django.middleware.MiddlewareTimingMiddleware",
}


def check_middleware(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E009: the gate and the seal stand, before all that may answer for a view."""
    del app_configs
    listed = list(settings.MIDDLEWARE or [])
    outermost = [path for path in listed if _is_outermost(path)]
    if MIDDLEWARE in listed and not set(listed[: listed.index(MIDDLEWARE)]) - set(outermost):
        return []
    problem = "is not first in" if MIDDLEWARE in listed else "is missing from"
    first = ", ".join(map(json.dumps, [*outermost, MIDDLEWARE]))
    return [
        Error(
            f"{MIDDLEWARE} {problem} MIDDLEWARE, so that what another one answers or what a view "
            "does in its own dispatch() is not looked at.",
            hint=f"MIDDLEWARE = [{first}, ...]  # first",
            id="api_guard.E009",
        )
    ]


def _is_outermost(path: str) -> bool:
    """Whether a middleware, or a class that it is derived from, may stand before the guard's."""
    if path in _OUTERMOST:
        return True
    try:
        found: Any = import_string(path)
    except ImportError:
        return False  # Django says so itself
    names = {f"{each.__module__}.{each.__qualname__}" for each in getattr(found, "__mro__", ())}
    return not names.isdisjoint(_OUTERMOST)
