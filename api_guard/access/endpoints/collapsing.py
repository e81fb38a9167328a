"""The listing with one row for each view."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from api_guard.access.endpoints.listing import Row, listing
from api_guard.access.endpoints.walk import Endpoint
from api_guard.core.operations import HTTP_METHODS


def collapsed(endpoints: Iterable[Endpoint]) -> list[Row]:
    """Return a row for each view: its requirements as its guard names them, and its first route."""
    views: dict[tuple[str, type | None], list[Endpoint]] = {}
    for endpoint in endpoints:
        views.setdefault((endpoint.view, endpoint.view_class), []).append(endpoint)
    return [_row(found) for found in views.values()]


def _row(found: Sequence[Endpoint]) -> Row:
    rows = listing(found)
    methods = {endpoint.operation.method for endpoint in found}
    named = [name for name in HTTP_METHODS if name in methods]
    routes = list(dict.fromkeys(endpoint.route for endpoint in found))
    more = f" and {len(routes) - 1} more" if len(routes) > 1 else ""
    requirements = _named(found) if found[0].policy else (row.requirement for row in rows)
    return Row(
        method=" ".join(named or sorted(methods)),
        path=f"{routes[0]}{more}",
        view=found[0].view,
        action=_distinct((row.action for row in rows if row.action != "metadata"), " "),
        requirement=_distinct(requirements),
        rates=_distinct(row.rates for row in rows),
        objects=_distinct(row.objects for row in rows),
        status=_distinct((row.status for row in rows), " "),
    )


def _named(found: Sequence[Endpoint]) -> Iterator[str]:
    """Yield each requirement under its name in the guard, and the operations that have none."""
    for name, requirement in found[0].policy.requirements.items() if found[0].policy else ():
        yield f"{name} {requirement}"
    for endpoint in found:
        operation = endpoint.operation
        if endpoint.requirement is None and operation.method not in ("HEAD", "OPTIONS"):
            yield f"{operation.action or operation.method} refused"


def _distinct(texts: Iterable[str], between: str = "; ") -> str:
    return between.join(dict.fromkeys(text for text in texts if text))
