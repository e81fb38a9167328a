"""Lists the endpoints of the API with the scopes that each requires."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

from django.core.signals import setting_changed

from api_guard.access.endpoints import (
    Row,
    current_urlconf,
    endpoints,
    listing,
    operations,
    routes,
)
from api_guard.core.requirements import Requirement
from api_guard.explain.operations import permissions_of


@dataclass(frozen=True)
class Required:
    """A row of the listing, and the names of the scopes that it requires."""

    row: Row
    scopes: tuple[str, ...]


def requirements(urlconf: str | None = None) -> tuple[Required, ...]:
    """Return every endpoint. The URLconf is walked once in each process."""
    return _requirements(current_urlconf(urlconf))


@cache
def _requirements(urlconf: str | None) -> tuple[Required, ...]:
    methods: dict[Required, list[str]] = {}
    asked = ((route, operation) for route in routes(urlconf) for operation in operations(route))
    for (route, _operation), endpoint in zip(asked, endpoints(urlconf), strict=True):
        found = [endpoint.requirement]
        if route.view_class is not None:
            found += [each for each, _ in permissions_of(route.callback, route.view_class)]
        [row] = listing([endpoint])
        key = Required(replace(row, method=""), _names(found))
        methods.setdefault(key, []).append(row.method)
    return tuple(
        replace(each, row=replace(each.row, method=" ".join(names)))
        for each, names in methods.items()
    )


def _names(found: Iterable[Requirement | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for each in found if each for name in each.scope_names))


def _forget(*, setting: str, **_: object) -> None:
    if setting in ("ROOT_URLCONF", "API_GUARD", "REST_FRAMEWORK"):
        _requirements.cache_clear()


setting_changed.connect(_forget)
