"""Writes the settings that are missing, merged with those of the project."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any

from django.conf import settings
from rest_framework.permissions import AllowAny

from api_guard import conf
from api_guard.access.callers import ScopedAuthentication, is_unscoped
from api_guard.access.endpoints import (
    classes_of,
    default_classes,
    default_of,
    dotted_path,
    routes,
)
from api_guard.authentication import takes_access_tokens
from api_guard.checks.lines import is_of_drf, own_path
from api_guard.checks.middleware import MIDDLEWARE, outermost_of
from api_guard.permissions import Guarded

_WIDTH = 88
_HEAD = "# The guard: nobody passes who was not granted access."


def uses_oauth2() -> bool:
    """Whether the project has a sign of OAuth: settings, tokens or routes of the toolkit."""
    return (
        bool(getattr(settings, "OAUTH2_PROVIDER", None))
        or any(map(takes_access_tokens, _authenticators()))
        or any(route.callback.__module__.startswith("oauth2_provider.") for route in routes())
    )


def missing_lines(
    module: ModuleType,
    scopes: Mapping[str, str],
    exempt: Mapping[str, str],
    *,
    with_oauth2: bool,
) -> list[str]:
    """Return the lines for the end of the settings `module`; none if nothing is missing.

    `exempt` maps each view to the route that leads to it.
    """
    has = frozenset(vars(module))
    blocks = [
        _middleware(module),
        _list(
            "AUTHENTICATION_BACKENDS",
            "api_guard.backends.LoginLimit",
            settings.AUTHENTICATION_BACKENDS,
            has,
        ),
        _dict("REST_FRAMEWORK", _rest_framework(with_oauth2), has),
        _dict("OAUTH2_PROVIDER", _oauth2_provider() if with_oauth2 else [], has),
        _dict("API_GUARD", _api_guard(scopes, exempt, with_oauth2), has),
    ]
    lines = [line for block in blocks for line in block]
    return ["", _HEAD, *lines] if lines else []


def _list(name: str, first: str, now: Iterable[str], has: frozenset[str]) -> list[str]:
    if first in now:
        return []
    items = [json.dumps(first), *([f"*{name}"] if name in has else map(json.dumps, now))]
    return _listed(f"{name} = ", items, "")


def _middleware(module: ModuleType) -> list[str]:
    if MIDDLEWARE in settings.MIDDLEWARE:
        return []
    is_own = hasattr(module, "MIDDLEWARE")
    # What installs itself at the start is in the settings, and in no file.
    now = list(module.MIDDLEWARE if is_own else settings.MIDDLEWARE)
    first = [json.dumps(path) for path in outermost_of(now)]
    rest = [each for each in map(json.dumps, now) if each not in first]
    if is_own:
        others = f"*(each for each in MIDDLEWARE if each not in [{', '.join(first)}])"
        rest = [others if first else "*MIDDLEWARE"]
    return _listed("MIDDLEWARE = ", [*first, json.dumps(MIDDLEWARE), *rest], "")


def _listed(start: str, items: Iterable[str], end: str) -> list[str]:
    """Write a list on one line, or on a line an item where it is long."""
    line = f"{start}[{', '.join(items)}]{end}"
    if len(line) <= _WIDTH:
        return [line]
    space = " " * (len(start) - len(start.lstrip()))
    return [f"{start}[", *(f"{space}    {item}," for item in items), f"{space}]{end}"]


def _dict(name: str, entries: list[str], has: frozenset[str]) -> list[str]:
    if not entries:
        return []
    kept = [f"    **{name},"] if name in has else []
    return [f"{name} = {{", *kept, *entries, "}"]


def _entry(key: str, items: Iterable[str]) -> list[str]:
    return _listed(f'    "{key}": ', [json.dumps(item) for item in items], ",")


def _rest_framework(with_oauth2: bool) -> list[str]:
    found: list[str] = []
    authenticators = _defaults("DEFAULT_AUTHENTICATION_CLASSES")
    if with_oauth2 and authenticators is not None and not _is_scoped(authenticators):
        ours = "api_guard.authentication.OAuth2Authentication"
        paths = [ours if takes_access_tokens(cls) else dotted_path(cls) for cls in authenticators]
        # Not first: an anonymous caller gets the answer of the first one, as before.
        found += _entry("DEFAULT_AUTHENTICATION_CLASSES", dict.fromkeys([*paths, ours]))
    permissions = default_of("DEFAULT_PERMISSION_CLASSES")
    if all(isinstance(cls, type) and not issubclass(cls, Guarded) for cls in permissions):
        kept = [dotted_path(cls) for cls in permissions if cls is not AllowAny]
        found += _entry("DEFAULT_PERMISSION_CLASSES", ["api_guard.permissions.Guarded", *kept])
    for key in ("DEFAULT_PARSER_CLASSES", "DEFAULT_RENDERER_CLASSES"):
        classes = _defaults(key) or ()
        if any(map(is_of_drf, classes)):
            found += _entry(key, map(own_path, classes))
    return found


def _defaults(key: str) -> list[type] | None:
    """Return the classes of a setting; None if no path could name one of its entries again."""
    listed = default_of(key)
    return list(listed) if all(isinstance(each, type) for each in listed) else None


def _is_scoped(authenticators: Iterable[type]) -> bool:
    return any(issubclass(cls, ScopedAuthentication) for cls in authenticators)


def _oauth2_provider() -> list[str]:
    now: Mapping[str, Any] = getattr(settings, "OAUTH2_PROVIDER", None) or {}
    wanted = {
        "SCOPES_BACKEND_CLASS": "api_guard.oauth2.GrantedScopes",
        "OAUTH2_VALIDATOR_CLASS": "api_guard.oauth2.GuardedValidator",
    }
    # A class of the project's own stays; a check names what it needs.
    return [f'    "{key}": "{value}",' for key, value in wanted.items() if key not in now]


def _api_guard(
    scopes: Mapping[str, str], exempt: Mapping[str, str], with_oauth2: bool
) -> list[str]:
    now: Mapping[str, Any] = getattr(settings, "API_GUARD", None) or {}
    found: list[str] = []
    if not with_oauth2 and "OAUTH2" not in now:
        found.append(
            '    "OAUTH2": False,  # no tokens of oauth2_provider; else checks ask for its server'
        )
    new = {name: text for name, text in scopes.items() if name not in conf.scopes()}
    found += _mapping("SCOPES", new, now, lambda name: f'"{name}": "{new[name]}",')
    silent = sorted({dotted_path(cls) for cls in _authenticators() if _is_silent(cls)})
    if silent:
        listed = [*sorted(conf.unscoped_authentication()), *silent]
        found += [
            "    # Whoever signs in by these may do all that its user was granted. If a token of"
        ]
        found += ["    # yours may do less than its user, take its class out: see api_guard.E006."]
        found += _entry("UNSCOPED_AUTHENTICATION", listed)
    exempt = {
        view: route for view, route in exempt.items() if view not in (now.get("EXEMPT") or {})
    }
    found += _mapping("EXEMPT", exempt, now, lambda view: _exemption(view, exempt[view]))
    return found


def _exemption(view: str, route: str) -> str:
    return f'"{view}": "",  # write the reason, or guard it where it is routed, {route}'


def _mapping(name: str, new: Mapping[str, str], now: Mapping[str, Any], write: Any) -> list[str]:
    if not new:
        return []
    kept = [f'        **API_GUARD["{name}"],'] if name in now else []
    return [f'    "{name}": {{', *kept, *(f"        {write(key)}" for key in new), "    },"]


def _authenticators() -> Iterator[type]:
    yield from default_classes("DEFAULT_AUTHENTICATION_CLASSES")
    for route in routes():
        if route.view_class is not None:
            yield from classes_of(route.callback, route.view_class, "authentication_classes")


def _is_silent(cls: type) -> bool:
    return (
        not is_unscoped(cls)
        and not issubclass(cls, ScopedAuthentication)
        and not takes_access_tokens(cls)
    )
