"""Runs one of the scripts of tests/clients, with what it asks of npm."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.browser.chromium import CHROMIUM

CLIENTS = Path(__file__).parent.parent / "clients"


def installed(folder):
    """Copy the scripts into a folder and install what they need, or skip the test."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not on this machine")
    shutil.copytree(CLIENTS, folder, dirs_exist_ok=True)
    install = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"]
    done = subprocess.run(install, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode and "CI" not in os.environ:
        pytest.skip("the libraries cannot be had")
    assert done.returncode == 0, done.stderr
    return folder


def told_by(folder, script, words, seconds):
    """Run a script that drives Chromium, and return the lines that it wrote."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not on this machine")
    browsed = subprocess.run(
        ["node", script],
        cwd=folder,
        input=words + "\n",
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert browsed.returncode == 0, browsed.stdout + browsed.stderr
    return browsed.stdout.splitlines()
