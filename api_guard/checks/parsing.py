"""Checks of parsers, renderers, filters, limits and servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage
from django.utils.module_loading import import_string
from rest_framework import filters
from rest_framework import parsers as drf_parsers
from rest_framework import renderers as drf_renderers

from api_guard import asgi, parsers, wsgi
from api_guard.access.endpoints import (
    Route,
    attribute_of,
    classes_of,
    default_classes,
    dotted_path,
    policy_of,
    routes,
)
from api_guard.checks.grouping import by_module
from api_guard.checks.lines import (
    bounded_base,
    is_of_drf,
    kept_renderers,
    own_path,
    parsers_line,
    view_line,
)
from api_guard.parsers.reading import limits_of

_PATTERNS = ("regex", "iregex")
_BOUNDED = (
    parsers.DjangoFormParser,
    parsers.FormParser,
    parsers.JSONParser,
    parsers.MultiPartParser,
)
_RENDERERS = "renderer_classes"


def check_bounded_parsers(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """W070, W071: the parsers of guarded views have limits, and the renderers always write JSON."""
    del app_configs
    # A setting is one place of all its views. Views with a list of their own are said together.
    found: dict[tuple[str, type, bool], dict[str, str]] = {}
    for route in _guarded():
        for attribute in ("parser_classes", _RENDERERS):
            place, classes, line = _classes(route, attribute)
            for cls in filter(_is_loose, classes):
                of_cause = found.setdefault((attribute, cls, "[" in place), {})
                of_cause[place] = line
    return [_loose(attribute, cls, places) for (attribute, cls, _), places in found.items()]


def _is_loose(cls: type) -> bool:
    is_parser = issubclass(cls, drf_parsers.BaseParser) and not issubclass(cls, _BOUNDED)
    return is_parser or cls is drf_renderers.JSONRenderer


def _loose(attribute: str, cls: type, places: dict[str, str]) -> CheckMessage:
    place, line = next(iter(places.items()))
    start, views = f"{place} has", ""
    if len(places) > 1:
        start = f"{attribute} of {len(places)} views has"
        views = by_module(each.rpartition(" ")[2] for each in places)
    if len(set(places.values())) > 1:
        # The line of one view would take a class from another.
        line = f"Write {own_path(cls)} in its place, imported."
    if attribute == _RENDERERS:
        flaw = "fails on values that JSON does not have, such as a stored Infinity."
        text = f"{start} {dotted_path(cls)}, which {flaw}{views}"
        return checks.Warning(text, hint=line, id="api_guard.W071")
    text = f"{start} {dotted_path(cls)}, which has no limits of depth or numbers.{views}"
    hint = line if is_of_drf(cls) else _other_parser(cls)
    return checks.Warning(text, hint=hint, id="api_guard.W070")


def _guarded() -> Iterator[Route]:
    return (route for route in routes() if policy_of(route.view_class) is not None)


def _classes(route: Route, attribute: str) -> tuple[str, list[type], str]:
    """Return the place of a view's classes, the classes, and the line with ours instead."""
    cls: Any = route.view_class
    classes = classes_of(route.callback, cls, attribute)
    setting = f"DEFAULT_{attribute.upper()}"
    kept = kept_renderers(classes) if attribute == _RENDERERS else classes
    if classes == default_classes(setting):
        line = f'REST_FRAMEWORK = {{"{setting}": {parsers_line(kept)}, ...}}'
        return f"REST_FRAMEWORK['{setting}']", classes, line
    return f"{attribute} of {dotted_path(cls)}", classes, view_line(cls, attribute, kept)


def _other_parser(cls: type) -> str:
    base = bounded_base(cls)
    if base is not None:
        return (
            f"Derive it from {base}. If it belongs to another package, list a class of your own: "
            f"class Parser({dotted_path(cls)}, {base}): ..."
        )
    return (
        "Use a parser of api_guard.parsers instead, or limit what this one reads and silence "
        "api_guard.W070."
    )


def check_filters(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """W074: clients search without regular expressions, and order only by declared fields."""
    del app_configs
    found: list[CheckMessage] = []
    unordered: list[str] = []
    for cls in {route.view_class: None for route in _guarded()}:
        view: Any = cls
        backends = classes_of(None, view, "filter_backends")
        searches = any(issubclass(each, filters.SearchFilter) for each in backends)
        named = attribute_of(view, "search_fields") or () if searches else ()
        for name in named:
            if str(name).startswith("$") or str(name).rpartition("__")[2] in _PATTERNS:
                text = f"{dotted_path(view)} searches {name!r} by clients' regular expressions."
                hint = f"Write {str(name).lstrip('$').split('__')[0]!r} in search_fields."
                found.append(checks.Warning(text, hint=hint, id="api_guard.W074"))
        orders = any(map(_orders_by_fields, backends))
        if orders and attribute_of(view, "ordering_fields", None) in (None, "__all__"):
            unordered.append(dotted_path(view))
    if unordered:
        text = f"{unordered[0]} does not declare by which fields a client may order."
        if len(unordered) > 1:
            text = (
                f"{len(unordered)} views do not declare by which fields a client may order."
                f"{by_module(unordered)}"
            )
        hint = 'Write ordering_fields = ["created"], of fields with an index.'
        found.append(checks.Warning(text, hint=hint, id="api_guard.W074"))
    return found


def _orders_by_fields(backend: type) -> bool:
    """Whether a filter chooses the fields as DRF's own does."""
    own = filters.OrderingFilter
    return issubclass(backend, own) and all(
        getattr(backend, name) is getattr(own, name)
        for name in ("get_ordering", "get_valid_fields", "get_default_valid_fields")
    )


def check_limits(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """W075: no limit is above the limit of Django itself."""
    del app_configs
    most: Any = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if most is None:
        return []  # W028 reports it
    views: dict[type | None, str] = {None: 'API_GUARD["LIMITS"]'}
    views |= {route.view_class: dotted_path(route.view_class) for route in _guarded()}
    return [
        checks.Warning(
            f"{name} accepts bodies of {limits_of(cls).bytes} bytes, and Django accepts at most "
            f"{most}.",
            hint=f"DATA_UPLOAD_MAX_MEMORY_SIZE = {limits_of(cls).bytes}, or a smaller limit.",
            id="api_guard.W075",
        )
        for cls, name in views.items()
        if limits_of(cls).bytes > most
    ]


def check_servers(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """W072: requests on which Django would fail are answered before that."""
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
                f"{name} is Django's own: it fails on some Content-Types before any middleware.",
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
