"""Checks of the HTML engine, the size of bodies, JSON and the renderers."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage
from rest_framework.settings import api_settings

from api_guard import conf
from api_guard.access.endpoints import default_classes
from api_guard.checks.lines import is_browsable, renderers_line


def check_sanitizer(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """W008: the HTML engine is a maintained one."""
    del app_configs
    if conf.sanitizer() != "bleach":
        return []
    return [
        checks.Warning(
            "API_GUARD['SANITIZER'] is bleach, which has had no maintainer since June 2026, "
            "also for security fixes.",
            hint='API_GUARD["SANITIZER"] = "nh3", or remove it.',
            id="api_guard.W008",
        )
    ]


def check_parsers(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """W028: bodies have a size limit, and JSON is valid JSON."""
    del app_configs
    found: list[CheckMessage] = []
    limit: Any = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if limit is None:
        text = "DATA_UPLOAD_MAX_MEMORY_SIZE is None: bodies of any size are read."
        hint = "DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440  # bytes, the default of Django"
        found.append(checks.Warning(text, hint=hint, id="api_guard.W028"))
    if api_settings.STRICT_JSON is not True:
        text = "REST_FRAMEWORK['STRICT_JSON'] is off: NaN and Infinity are accepted as numbers."
        hint = 'REST_FRAMEWORK = {"STRICT_JSON": True, ...}, or remove it.'
        found.append(checks.Warning(text, hint=hint, id="api_guard.W028"))
    return found


def check_renderers(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """W022: the browsable API is for development."""
    del app_configs
    classes = default_classes("DEFAULT_RENDERER_CLASSES")
    if settings.DEBUG or not any(map(is_browsable, classes)):
        return []
    return [
        checks.Warning(
            "The browsable API is on with DEBUG off: clients can ask for every answer as an HTML "
            "page with forms.",
            hint=f'REST_FRAMEWORK = {{"DEFAULT_RENDERER_CLASSES": {renderers_line(classes)}, ...}}',
            id="api_guard.W022",
        )
    ]
