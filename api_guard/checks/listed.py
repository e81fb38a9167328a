"""Checks the lists of classes that DRF goes through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error
from rest_framework.settings import api_settings

from api_guard.access.endpoints import (
    LISTS,
    Route,
    dotted_path,
    function_of,
    initkwarg,
    is_list,
    routes,
)
from api_guard.checks.leading import Lead, overrides

# DRF's own method that goes through each list.
_READERS = {
    "authentication_classes": "get_authenticators",
    "permission_classes": "get_permissions",
    "parser_classes": "get_parsers",
    "renderer_classes": "get_renderers",
    "throttle_classes": "get_throttles",
    "filter_backends": "filter_queryset",
}


def check_lists(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E090: where DRF expects a list of classes, there is a list."""
    del app_configs
    found: dict[str, CheckMessage] = {}
    for place, wrong, line in _wrong():
        found.setdefault(
            place,
            Error(
                f"{place} is {_named(wrong)} and not a list: every request fails with an error.",
                hint=line,
                id="api_guard.E090",
            ),
        )
    return list(found.values())


def _wrong() -> Iterator[tuple[str, Any, str]]:
    """Yield what is not a list, with its place and the line that it should have."""
    for name in LISTS:
        setting = f"DEFAULT_{name.upper()}"
        default = getattr(api_settings, setting)
        if not is_list(default):
            listed = f'["{dotted_path(default)}"]' if isinstance(default, type) else "[...]"
            line = f'REST_FRAMEWORK = {{"{setting}": {listed}, ...}}'
            yield f"REST_FRAMEWORK['{setting}']", default, line
        for route in routes():
            cls: Any = route.view_class
            found = default if cls is None else initkwarg(route.callback, cls, name)
            if found is not default and not is_list(found) and _is_read(route, name):
                listed = f"[{found.__name__}]" if isinstance(found, type) else "[...]"
                is_function = function_of(cls) is not None
                line = f"@{name}({listed})" if is_function else f"{name} = {listed}"
                yield f"{dotted_path(cls)}.{name}", found, line


def _is_read(route: Route, name: str) -> bool:
    """Whether DRF goes through what the class says, and not through what an instance has."""
    cls: Any = route.view_class
    if any(lead is not Lead.ON for _, _, lead in overrides(cls, _READERS[name])):
        return False
    try:
        # As each request makes one. DRF's own view of a schema chooses its renderers here.
        return not is_list(getattr(cls(**getattr(route.callback, "initkwargs", {})), name))
    except Exception:  # noqa: BLE001  # it is the project's code, and may need a request
        return True


def _named(wrong: Any) -> str:
    if isinstance(wrong, type):
        return f"the class {wrong.__name__}"
    return repr(wrong) if wrong is None or isinstance(wrong, str) else f"a {type(wrong).__name__}"
