"""Checks of what comes in and what goes out."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage
from rest_framework.settings import api_settings

from api_guard import conf
from api_guard.checks.lines import is_browsable, renderers_line


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
    if settings.DEBUG or not any(map(is_browsable, classes)):
        return []
    return [
        checks.Warning(
            "The browsable API is on with DEBUG off: every answer may be asked for as a page of "
            "HTML with forms.",
            hint=f'REST_FRAMEWORK = {{"DEFAULT_RENDERER_CLASSES": {renderers_line(classes)}, ...}}',
            id="api_guard.W022",
        )
    ]
