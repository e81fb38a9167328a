"""Checks of what reads a request, and of what writes its answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage
from django.utils.module_loading import import_string
from rest_framework import filters, pagination
from rest_framework import parsers as drf_parsers
from rest_framework import renderers as drf_renderers
from rest_framework.settings import api_settings

from api_guard import asgi, parsers, wsgi
from api_guard.endpoints import Route, dotted_path, initkwarg, policy_of, routes
from api_guard.parsers.reading import limits_of

_PATTERNS = ("regex", "iregex")
_OWN: dict[type, str] = {
    drf_parsers.JSONParser: "api_guard.parsers.JSONParser",
    drf_parsers.FormParser: "api_guard.parsers.FormParser",
    drf_parsers.MultiPartParser: "api_guard.parsers.MultiPartParser",
    drf_renderers.JSONRenderer: "api_guard.renderers.JSONRenderer",
}


def check_bounded_parsers(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """W070, W071: what guarded views read is bounded, and what they write is always JSON."""
    del app_configs
    bounded = (parsers.JSONParser, parsers.FormParser, parsers.MultiPartParser)
    found: dict[str, CheckMessage] = {}
    for route in _guarded():
        for place, classes, line in _classes(route, "parser_classes"):
            for cls in classes:
                if not issubclass(cls, bounded):
                    text = (
                        f"{place} holds {dotted_path(cls)}, which bounds neither depth nor numbers."
                    )
                    message = checks.Warning(text, hint=line, id="api_guard.W070")
                    found.setdefault(text, message)
        for place, classes, line in _classes(route, "renderer_classes"):
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
    mended = json.dumps([_OWN.get(each) or dotted_path(each) for each in classes])
    if classes == list(getattr(api_settings, setting)):
        line = f'REST_FRAMEWORK = {{"{setting}": {mended}, ...}}'
        yield f"REST_FRAMEWORK['{setting}']", classes, line
    else:
        yield f"{attribute} of {dotted_path(cls)}", classes, f"{attribute} = {mended}  # imported"


def check_pages(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """W073: no client makes a page as large as it likes, or forges a cursor."""
    del app_configs
    found: dict[type, str] = {}
    for route in _guarded():
        paginator = initkwarg(route.callback, route.view_class or object, "pagination_class")
        flaw = _flaw_of(paginator) if isinstance(paginator, type) else None
        if flaw is not None:
            found.setdefault(paginator, flaw)
    return [
        checks.Warning(
            f"{dotted_path(cls)} {flaw}.",
            hint=f"Derive it from api_guard.pagination.{_drf_base(cls)}.",
            id="api_guard.W073",
        )
        for cls, flaw in found.items()
    ]


def _flaw_of(paginator: Any) -> str | None:
    if issubclass(paginator, pagination.LimitOffsetPagination) and paginator.max_limit is None:
        return "has no max_limit, so that a client may ask for every row at once"
    is_numbered = issubclass(paginator, pagination.PageNumberPagination)
    if is_numbered and paginator.page_size_query_param and paginator.max_page_size is None:
        return "has no max_page_size, so that a client may ask for every row at once"
    is_cursor = issubclass(paginator, pagination.CursorPagination)
    if is_cursor and paginator.decode_cursor is pagination.CursorPagination.decode_cursor:
        return "takes cursors that anybody may write, and fails on some"
    return None


def _drf_base(paginator: type) -> str:
    bases = (base for base in paginator.__mro__ if base.__module__ == pagination.__name__)
    return next(bases).__name__


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
        orders = any(issubclass(each, filters.OrderingFilter) for each in backends)
        if orders and getattr(view, "ordering_fields", None) in (None, "__all__"):
            text = f"{dotted_path(view)} does not say by which fields a client may order."
            hint = 'Write ordering_fields = ["created"], of fields with an index.'
            found.append(checks.Warning(text, hint=hint, id="api_guard.W074"))
    return found


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
