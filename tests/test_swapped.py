"""Swapped users, clients and tokens, with UUIDs for keys."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_swapped_models_are_guarded_like_the_toolkit_s_own():
    suite = ["tests/swapped/suite.py", "--ds=tests.swapped.settings", "--nomigrations", "-q"]
    alone = ["-p", "no:cacheprovider", "-p", "no:cov", "-p", "no:xdist"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *suite, *alone],
        cwd=Path(__file__).parent.parent,
        # A database of its own, for this one is in use.
        env={**os.environ, "DATABASE_URL": "sqlite://:memory:"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "6 passed" in done.stdout
