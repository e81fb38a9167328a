"""What was revoked is refused at once, though a replica shows it for seconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.faults import table
from tests.replica.clusters import lagging

LAG = 4


def test_nothing_is_admitted_after_the_commit_of_a_revoke_while_a_standby_lags(record_property):
    with lagging(LAG) as (primary, standby):
        done = subprocess.run(
            [sys.executable, "-m", "tests.replica"],
            cwd=Path(__file__).parent.parent,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "tests.replica.settings",
                "DEFAULT_SOCKETS": str(primary),
                "STANDBY_SOCKETS": str(standby),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    # Else nothing was tried: the standby lagged, and there were requests before and after.
    assert told["lag"] > LAG - 1
    for way, (before, after, asked) in told["ways"].items():
        assert (before > 5, asked > before + 20) == (True, True), told
        assert after == 0, (way, told)
        said = f"{after} of {asked - before} admitted"
        table.add(record_property, "replica", f"lags {LAG} s", way, said)
    assert told["refreshed"] == 0
