"""Checks of the position of the guard's middleware."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string

MIDDLEWARE = "api_guard.middleware.GuardMiddleware"
# They never answer instead of a view, and must see every answer.
_OUTERMOST = {
    "corsheaders.middleware.CorsMiddleware",
    # They give a request an id
    "cid.middleware.CidMiddleware",
    "django_guid.middleware.guid_middleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django_structlog.middlewares.request.RequestMiddleware",
    "log_request_id.middleware.RequestIDMiddleware",
    "request_id.middleware.RequestIdMiddleware",
    # They measure; the last three insert themselves
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "elasticapm.contrib.django.middleware.TracingMiddleware",
    "opentelemetry.instrumentation.django.middleware.otel_middleware._DjangoMiddleware",
    "scout_apm.django.middleware.MiddlewareTimingMiddleware",
}


def check_middleware(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E009: the gate and the seal come before all middleware that may answer for a view."""
    del app_configs
    listed = list(settings.MIDDLEWARE or [])
    outermost = outermost_of(listed)
    if MIDDLEWARE in listed and not set(listed[: listed.index(MIDDLEWARE)]) - set(outermost):
        return []
    problem = "is not first in" if MIDDLEWARE in listed else "is missing from"
    first = ", ".join(map(json.dumps, [*outermost, MIDDLEWARE]))
    return [
        Error(
            f"{MIDDLEWARE} {problem} MIDDLEWARE: the guard does not see the answers of other "
            "middleware, or what a view does in its own dispatch().",
            hint=f"MIDDLEWARE = [{first}, ...]  # first",
            id="api_guard.E009",
        )
    ]


def outermost_of(listed: Iterable[str]) -> list[str]:
    """Return the middleware that may come before the guard's, in its order."""
    return [path for path in listed if _is_outermost(path)]


def _is_outermost(path: str) -> bool:
    """Whether a middleware, or a base class of it, may come before the guard's."""
    if path in _OUTERMOST:
        return True
    try:
        found: Any = import_string(path)
    except ImportError:
        return False  # Django reports it
    names = {f"{each.__module__}.{each.__qualname__}" for each in getattr(found, "__mro__", ())}
    return not names.isdisjoint(_OUTERMOST)
