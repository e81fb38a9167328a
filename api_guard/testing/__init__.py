"""For a project's own tests: proves that its API is closed, also when something fails."""

from api_guard.testing.endpoints import (
    assert_every_endpoint_guarded,
    assert_no_endpoint_leaks,
    assert_no_fault_opens,
)
from api_guard.testing.faults import broken_cache, broken_database, broken_introspection
from api_guard.testing.granting import access_token, grant_scopes, scoped_client
from api_guard.testing.objects import assert_no_object_leaks, probe_objects
from api_guard.testing.probes import probe

__all__ = [
    "access_token",
    "assert_every_endpoint_guarded",
    "assert_no_endpoint_leaks",
    "assert_no_fault_opens",
    "assert_no_object_leaks",
    "broken_cache",
    "broken_database",
    "broken_introspection",
    "grant_scopes",
    "probe",
    "probe_objects",
    "scoped_client",
]
