"""Lists the rates in use and where they are declared, and names the rates of a view."""

from __future__ import annotations

from collections.abc import Iterator

from api_guard import conf
from api_guard.access.endpoints.views import dotted_path, policy_of
from api_guard.access.endpoints.walk import routes
from api_guard.core.rates import Rate


def counted_as(view_class: type, name: str) -> str:
    """Return the name of the rates of a view; `name` is the slot or action, or empty."""
    return f"{dotted_path(view_class)}:{name}" if name else dotted_path(view_class)


def rates_in_use() -> Iterator[tuple[Rate, str, str]]:
    """Yield every rate of the ceiling and of routed views, with its place and its name."""
    for kind in conf.CALLERS:
        for rate in conf.ceiling(kind):
            yield rate, f'API_GUARD["CEILING"] for a {kind}', ""
    for cls in dict.fromkeys(route.view_class for route in routes()):
        policy = None if cls is None else policy_of(cls)
        if cls is None or policy is None:
            continue
        for name, rates in policy.rates.items():
            for rate in rates:
                yield rate, dotted_path(cls), counted_as(cls, name)
