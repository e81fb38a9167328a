"""What callers of knox, API keys, allauth and guardian hold: real packages, lines of the docs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HELD = [200, ["notes:read"]]
BAD = [401, "authentication_failed"]
REVOKED = [403, "insufficient_scope"]


@pytest.fixture(scope="module")
def told():
    for package in ("knox", "rest_framework_api_key", "allauth", "guardian"):
        pytest.importorskip(package)
    done = subprocess.run(
        [sys.executable, "-m", "tests.profiles"],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_lines_of_the_page_leave_the_checks_silent(told):
    assert told["checks"] == []


@pytest.mark.parametrize("credential", ["knox", "key", "allauth"])
def test_a_credential_holds_what_was_granted_until_it_is_revoked(told, credential):
    assert told[credential] == HELD
    assert told[f"{credential}, revoked"] == REVOKED


@pytest.mark.parametrize("credential", ["knox", "key", "allauth"])
def test_a_bad_credential_is_401(told, credential):
    assert told[f"bad {credential}"] == BAD


def test_objects_that_guardian_shares_are_found_and_no_others(told):
    assert told["shared"] == 200
    assert told["not shared"] == told["not shared with a superuser"] == 404


def test_a_key_is_401_when_it_is_over_and_holds_nothing_without_its_client(told):
    assert told["expired key"] == told["revoked key"] == BAD
    assert told["key without a client"] == [401, "not_authenticated"]
