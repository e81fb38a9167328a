"""Asserts that every endpoint is declared, and that none answers whom it must refuse."""

from __future__ import annotations

from api_guard.access.endpoints import Status, endpoints
from api_guard.testing.faults import broken_cache, broken_database
from api_guard.testing.places import place_of
from api_guard.testing.probes import Finding, probe

_FIX = 'write @guard(read="some:scope", write="some:scope") above it'


def assert_every_endpoint_guarded(urlconf: str | None = None) -> None:
    """Raise AssertionError unless every routed view has a guard, HasScopes or an exemption."""
    open_views = {
        endpoint.view: endpoint
        for endpoint in endpoints(urlconf)
        if endpoint.status in (Status.UNGUARDED, Status.UNKNOWN)
    }
    lines = [
        f"  {name}, at {endpoint.route}{place_of(endpoint.view_class)}: {_FIX}"
        for name, endpoint in open_views.items()
    ]
    if lines:
        raise AssertionError("\n".join(["These endpoints are not declared:", *lines]))


def assert_no_endpoint_leaks(urlconf: str | None = None) -> None:
    """Raise AssertionError if a handler is reached by a caller whom its guard does not name.

    Every operation is called anonymously and as a user without grants, with its handler replaced.
    Needs a database.
    """
    leaks = [leak for leak in probe(urlconf) if leak.is_leak]
    _assert_none(leaks, "These operations reach their handlers, and must not:")


def assert_no_fault_opens(urlconf: str | None = None) -> None:
    """Raise AssertionError if a handler is reached while the database or the caches are down.

    Every operation is called as `assert_no_endpoint_leaks` does, once in each fault.
    """
    for fault, what in ((broken_database, "database"), (broken_cache, "cache")):
        leaks = [leak for leak in probe(urlconf, fault) if leak.is_leak]
        _assert_none(leaks, f"Without its {what}, these operations reach their handlers:")


def _assert_none(leaks: list[Finding], head: str) -> None:
    lines = [
        f"  {leak.method} {leak.path}, {leak.view}{leak.place}: anonymous {leak.anonymous}, "
        f"without grants {leak.grantless}"
        for leak in leaks
    ]
    if lines:
        raise AssertionError("\n".join([head, *lines]))
