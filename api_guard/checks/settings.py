"""Checks of what the settings say."""

from __future__ import annotations

import json
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error
from rest_framework.exceptions import APIException
from rest_framework.permissions import AllowAny
from rest_framework.settings import api_settings
from rest_framework.views import exception_handler

from api_guard import conf
from api_guard.endpoints import dotted_path, is_and, sides_of
from api_guard.permissions import Guarded


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
