"""Checks of what reads a request, and of what writes its answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage
from django.utils.module_loading import import_string
from rest_framework import filters
from rest_framework import renderers as drf_renderers
from rest_framework.settings import api_settings

from api_guard import asgi, parsers, wsgi
from api_guard.access.endpoints import Route, dotted_path, initkwarg, policy_of, routes
from api_guard.checks.lines import bounded_base, is_of_drf, parsers_line, renderers_line
from api_guard.parsers.reading import limits_of

_PATTERNS = ("regex", "iregex")
_BOUNDED = (parsers.JSONParser, parsers.FormParser, parsers.MultiPartParser)
_RENDERERS = "renderer_classes"


def check_bounded_parsers(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """W070, W071: what guarded views read is bounded, and what they write is always JSON."""
    del app_configs
    found: dict[str, CheckMessage] = {}
    for route in _guarded():
        for place, classes, line in _classes(route, "parser_classes"):
            for cls in classes:
                if not issubclass(cls, _BOUNDED):
                    text = (
                        f"{place} holds {dotted_path(cls)}, which bounds neither depth nor numbers."
                    )
                    hint = line if is_of_drf(cls) else _other_parser(cls)
                    message = checks.Warning(text, hint=hint, id="api_guard.W070")
                    found.setdefault(text, message)
        for place, classes, line in _classes(route, _RENDERERS):
            for cls in classes:
                if cls is drf_renderers.JSONRenderer:
                    text = (
                        f"{place} holds {dotted_path(cls)}, which fails on what cannot be JSON, "
                        "such as an Infinity that was stored."
                    )
                    message = checks.Warning(text, hint=line, id="api_guard.W071")
                    found.setdefault(text, message)
    return list(found.values())


def _guarded() -> Iterator[Route]:
    return (route for route in routes() if policy_of(route.view_class) is not None)


def _classes(route: Route, attribute: str) -> Iterator[tuple[str, list[type], str]]:
    """Yield where a view has its classes from, these classes, and the line with ours in it."""
    cls: Any = route.view_class
    classes = list(initkwarg(route.callback, cls, attribute))
    setting = f"DEFAULT_{attribute.upper()}"
    mended = (renderers_line if attribute == _RENDERERS else parsers_line)(classes)
    if classes == list(getattr(api_settings, setting)):
        line = f'REST_FRAMEWORK = {{"{setting}": {mended}, ...}}'
        yield f"REST_FRAMEWORK['{setting}']", classes, line
    else:
        yield f"{attribute} of {dotted_path(cls)}", classes, f"{attribute} = {mended}  # imported"


def _other_parser(cls: type) -> str:
    base = bounded_base(cls)
    if base is not None:
        return f"Derive it from {base}."
    return (
        "Use one of api_guard.parsers in its place, or bound what it reads and silence "
        "api_guard.W070."
    )


def check_filters(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """W074: no client's text is a regular expression, and none orders by what was not declared."""
    del app_configs
    found: list[CheckMessage] = []
    for cls in {route.view_class: None for route in _guarded()}:
        view: Any = cls
        backends = getattr(view, "filter_backends", ())
        searches = any(issubclass(each, filters.SearchFilter) for each in backends)
        named = getattr(view, "search_fields", None) or () if searches else ()
        for name in named:
            if str(name).startswith("$") or str(name).rpartition("__")[2] in _PATTERNS:
                text = f"{dotted_path(view)} searches {name!r} by regular expressions of clients."
                hint = f"Write {str(name).lstrip('$').split('__')[0]!r} in search_fields."
                found.append(checks.Warning(text, hint=hint, id="api_guard.W074"))
        orders = any(map(_orders_by_fields, backends))
        if orders and getattr(view, "ordering_fields", None) in (None, "__all__"):
            text = f"{dotted_path(view)} does not say by which fields a client may order."
            hint = 'Write ordering_fields = ["created"], of fields with an index.'
            found.append(checks.Warning(text, hint=hint, id="api_guard.W074"))
    return found


def _orders_by_fields(backend: type) -> bool:
    """Whether a filter orders by what DRF's own says of a view, and not by what itself does."""
    own = filters.OrderingFilter
    return issubclass(backend, own) and all(
        getattr(backend, name) is getattr(own, name)
        for name in ("get_ordering", "get_valid_fields", "get_default_valid_fields")
    )


def check_limits(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """W075: no limit is above what Django itself takes."""
    del app_configs
    most: Any = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if most is None:
        return []  # W028 speaks of it
    views: dict[type | None, str] = {None: 'API_GUARD["LIMITS"]'}
    views |= {route.view_class: dotted_path(route.view_class) for route in _guarded()}
    return [
        checks.Warning(
            f"{name} takes bodies of {limits_of(cls).bytes} bytes, and Django none of more than "
            f"{most}.",
            hint=f"DATA_UPLOAD_MAX_MEMORY_SIZE = {limits_of(cls).bytes}, or a smaller limit.",
            id="api_guard.W075",
        )
        for cls, name in views.items()
        if limits_of(cls).bytes > most
    ]


def check_servers(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """W072: a request that Django cannot be given is answered before it fails."""
    del app_configs
    found: list[CheckMessage] = []
    for name, home, wrapper in (
        ("WSGI_APPLICATION", "wsgi", wsgi.Application),
        ("ASGI_APPLICATION", "asgi", asgi.Application),
    ):
        path = getattr(settings, name, None)
        if path is None or isinstance(_imported(path), wrapper):
            continue
        found.append(
            checks.Warning(
                f"{name} is Django's own, which fails on some Content-Types before any middleware.",
                hint=f"In {path.rpartition('.')[0]}: from api_guard.{home} import "
                f"get_{home}_application",
                id="api_guard.W072",
            )
        )
    return found


def _imported(path: str) -> object:
    try:
        return import_string(path)
    except ImportError:
        return None
