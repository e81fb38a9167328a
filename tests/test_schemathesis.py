"""Generated requests to the running example: no 500, and every answer is one that the schema tells.

With a token, and with a session for what is for users themselves; with what the schema allows, and
with what it does not allow.
"""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.test_example_project import free_port, served

pytestmark = pytest.mark.skipif(
    find_spec("schemathesis") is None, reason="schemathesis is not installed"
)
SECONDS = 18
STATUSES = "not_a_server_error,status_code_conformance"
SHAPES = "content_type_conformance,response_headers_conformance,response_schema_conformance"
FOR_SESSIONS = "^/(access|audit|authors|statistics)/"
# An id that is not one, such as 0.5, leads to no view. Django answers 404 with a page.
CHECKS = {"positive": f"{STATUSES},{SHAPES}", "negative": STATUSES}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with served(tmp_path_factory.mktemp("fuzzed"), free_port(), "tests.fuzzed_example") as site:
        yield site


def headers_of(site, credential):
    if credential == "token":
        return [f"Authorization: Bearer {site.alice_token}"]
    cookies = site.admin.cookies
    token = cookies["csrftoken"]
    return [f"Cookie: sessionid={cookies['sessionid']}; csrftoken={token}", f"X-CSRFToken: {token}"]


@pytest.mark.parametrize("mode", CHECKS)
@pytest.mark.parametrize("credential", ["token", "session"])
def test_every_answer_is_one_that_the_schema_tells(site, tmp_path, credential, mode):
    chosen = "--exclude-path-regex" if credential == "token" else "--include-path-regex"
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{site.url}/schema/"]
    options = {
        chosen: FOR_SESSIONS,
        "--mode": mode,
        "--checks": CHECKS[mode],
        "--phases": "coverage,fuzzing",
        "--max-examples": "20",
        "--max-time": str(SECONDS),
        "--seed": "1",
    }
    words = [word for option in options.items() for word in option]
    words += [word for header in headers_of(site, credential) for word in ("--header", header)]
    done = subprocess.run(
        [*command, *words, "--no-color", "--no-shrink"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=SECONDS * 5,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    cases = re.search(r"(\d+) generated", done.stdout)
    assert cases is not None
    assert int(cases[1]) > 20, done.stdout
