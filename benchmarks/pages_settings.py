"""The settings of the tests with 500 scopes, for benchmarks.pages."""

from tests.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.pages_urls"
API_GUARD = {
    "SCOPES": {
        f"bench:scope{number}": {
            "description": f"Scope number {number}",
            "group": f"Group {number // 25}",
        }
        for number in range(500)
    }
}
