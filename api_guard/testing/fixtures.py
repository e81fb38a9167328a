"""The kit as pytest fixtures: `pytest_plugins = ["api_guard.testing.fixtures"]` in conftest.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from api_guard import testing
from api_guard.models import ScopeGrant


@pytest.fixture
def grant_scopes(request: pytest.FixtureRequest) -> Callable[..., list[ScopeGrant]]:
    """`grant_scopes(grantee, "notes:read", ...)` grants at once."""
    request.getfixturevalue("db")
    return testing.grant_scopes


@pytest.fixture
def access_token(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """`access_token("notes:read", user=bob)` returns an access token."""
    request.getfixturevalue("db")
    return testing.access_token


@pytest.fixture
def scoped_client(request: pytest.FixtureRequest) -> Callable[..., APIClient]:
    """`scoped_client("notes:read", user=bob)` returns an APIClient with a granted token."""
    request.getfixturevalue("db")
    return testing.scoped_client


@pytest.fixture
def broken_database() -> Iterator[None]:
    """Every query fails during the test."""
    with testing.broken_database():
        yield


@pytest.fixture
def broken_cache() -> Iterator[None]:
    """Every cache fails during the test, and the counters with it."""
    with testing.broken_cache():
        yield


@pytest.fixture
def broken_introspection() -> Iterator[None]:
    """The introspection endpoint fails during the test."""
    with testing.broken_introspection():
        yield
