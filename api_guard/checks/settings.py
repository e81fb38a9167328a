"""Checks of the settings."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest
from django.urls import ResolverMatch
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.views import APIView, exception_handler

from api_guard import conf
from api_guard.access.endpoints import default_of, dotted_path, is_and, sides_of
from api_guard.exceptions import NotAuthenticated, Refusal, TooManyFailures
from api_guard.permissions import Guarded


def check_settings(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E001: everything in API_GUARD is known and well-formed."""
    del app_configs
    return [
        Error(
            f"API_GUARD: {mistake.name} {mistake.problem}{_named(mistake)}",
            hint=mistake.fix,
            id="api_guard.E001",
        )
        for mistake in conf.mistakes()
    ]


def _named(mistake: conf.Mistake) -> str:
    names = conf.without_reason() if mistake.name == "EXEMPT" else []
    return f", also {', '.join(names)}" if names else ""


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


def check_default_permission(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E005: everything that is not declared is refused by default."""
    del app_configs
    classes = default_of("DEFAULT_PERMISSION_CLASSES")
    if any(_is_guarded(permission) for permission in classes):
        return []
    # The project's own permissions stay: on exempt views, only they decide.
    kept = [dotted_path(cls) for cls in classes if isinstance(cls, type) and cls is not AllowAny]
    listed = json.dumps(["api_guard.permissions.Guarded", *kept])
    return [
        Error(
            "REST_FRAMEWORK['DEFAULT_PERMISSION_CLASSES'] lacks Guarded: a view without a guard is "
            "open to every caller that DRF admits.",
            hint=f'REST_FRAMEWORK = {{"DEFAULT_PERMISSION_CLASSES": {listed}, ...}}',
            id="api_guard.E005",
        )
    ]


def _is_guarded(permission: Any) -> bool:
    if is_and(permission):
        return any(_is_guarded(side) for side in sides_of(permission))
    return isinstance(permission, type) and issubclass(permission, Guarded)


def check_exception_handler(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E021: the exception handler keeps the body and the headers of a refusal."""
    del app_configs
    handler: Any = api_settings.EXCEPTION_HANDLER
    if handler is exception_handler:
        return []
    lost = [
        _lost(handler, refusal)
        for refusal in (NotAuthenticated('Bearer realm="api"'), TooManyFailures(7))
    ]
    if not any(lost):
        return []
    return [
        Error(
            f"REST_FRAMEWORK['EXCEPTION_HANDLER'] answers {' and '.join(filter(None, lost))}.",
            hint="Begin it with response = rest_framework.views.exception_handler(exc, context), "
            "and change only response.data.",
            id="api_guard.E021",
        )
    ]


def _lost(handler: Any, refusal: Refusal) -> str:
    """Describe how the handler changes a refusal, "" where it keeps all."""
    status, asked, wait = refusal.status_code, refusal.auth_header, refusal.wait
    try:
        response = handler(refusal, _context())
        said = str(getattr(response, "data", None) or response.content.decode())
        headers = {name.lower(): value for name, value in response.items()}
    except Exception as error:  # noqa: BLE001  # a project's function may raise anything
        if isinstance(error, AttributeError) and isinstance(error.obj, (Request, HttpRequest)):
            return ""  # what a middleware of the project sets on a request
        return f"a {status} with {type(error).__name__}"
    lost = [] if response.status_code == status else [str(response.status_code)]
    if asked is not None and headers.get("www-authenticate") != asked:
        lost.append("no WWW-Authenticate")
    if wait is not None and headers.get("retry-after") != str(wait):
        lost.append("no Retry-After")
    if refusal.default_code not in said and str(refusal.detail) not in said:
        lost.append("no detail and no code")
    return f"a {status} with {', '.join(lost)}" if lost else ""


def _context() -> dict[str, Any]:
    """Return the context that DRF passes to a handler, for a view that was not called."""
    http = WSGIRequest(
        {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/",
            "HTTP_HOST": conf.own_host(),
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(),
        }
    )
    http.resolver_match = ResolverMatch(APIView.as_view(), (), {}, route="")
    view = APIView()
    view.request = view.initialize_request(http)
    view.args, view.kwargs = (), {}
    return dict(view.get_exception_handler_context())
