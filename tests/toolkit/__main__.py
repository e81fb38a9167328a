"""Runs django-oauth-toolkit's tests with both versions of oauthlib, and compares what fails.

`python -m tests.toolkit [NAME...]` runs the named ways. It clones the tests from
`TOOLKIT_REPOSITORY`, which may be a path, and downloads the versions of oauthlib from the package
index. `FOLDER` keeps both, and `WORKERS` run at the same time. Where the repository cannot be
cloned, it says so and runs nothing.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.toolkit.expected import expected

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
TOOLKIT = "3.4.1"
# A path to a clone will do.
REPOSITORY = os.environ.get(
    "TOOLKIT_REPOSITORY", "https://github.com/django-oauth/django-oauth-toolkit"
)
# What each way adds to the toolkit's own settings.
ADDED = {"classes": "guard", "classes and urls": "guard urls", "deployed": "guard urls deployed"}
WAYS = {
    f"{name} with oauthlib {full}": (full, added)
    for full in ("3.3.1", "4.0.1")
    for name, added in ADDED.items()
}
# The others would tell nothing more.
BY_DEFAULT = [name for name, (_, added) in WAYS.items() if "urls" in added]
LINE = re.compile(r"^(?:FAILED|ERROR) tests/(\S+)", re.MULTILINE)
COUNTS = re.compile(r"(\d+) (passed|failed|skipped|errors?)\b")


def pip(*arguments):
    command = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True, timeout=300)


def prepared(folder):
    """Get the toolkit's tests: no distribution of the package has all of their files."""
    tree = folder / "django-oauth-toolkit"
    if tree.exists():
        return tree
    clone = ["git", "clone", "-q", "--depth", "1", "--branch", TOOLKIT, REPOSITORY, str(tree)]
    done = subprocess.run(clone, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        print(f"SKIPPED: {REPOSITORY} cannot be cloned: {done.stderr.strip()}")
        return None
    ours = [HERE / name for name in ("granting_all.py", "with_api_guard.py", "with_our_urls.py")]
    for file in (*ours, HERE.parent / "deployment.py"):
        (tree / file.name).write_text(file.read_text())
    (tree / "api_guard").symlink_to(ROOT / "api_guard")
    pip("install", "--no-deps", "--target", folder / "more", "pytest-mock")
    for full, _ in WAYS.values():
        if not (folder / full).exists():
            pip("install", "--no-deps", "--target", folder / full, f"oauthlib=={full}")
    return tree


def run(tree, way):
    """Run one way, and return what failed, the counts, and the end of the output."""
    full, added = WAYS[way]
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-rfE", "--tb=line", "-o", "addopts="]
    command += ["-p", "no:cacheprovider", "-p", "pytest_mock", "-p", "granting_all"]
    # django-ninja is not installed, and the rest starts servers of the toolkit alone.
    command += ["--disable-warnings", "--ignore", "tests/test_ninja.py", "--ignore", "tests/e2e"]
    done = subprocess.run(
        command,
        cwd=tree,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, (tree.parent / full, tree.parent / "more"))),
            "DJANGO_SETTINGS_MODULE": "with_api_guard",
            "TOOLKIT_WITH": added,
        },
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    counts = {name: int(number) for number, name in COUNTS.findall(done.stdout[-300:])}
    return set(LINE.findall(done.stdout)), counts, done.stdout[-2000:] + done.stderr[-2000:]


def compared(way, failed, counts, output):
    """Print what a way gave, and return whether it is what was expected."""
    must, may = expected(*WAYS[way])
    print(f"{way}: {counts.get('passed', 0)} passed, {counts.get('failed', 0)} failed")
    for name in sorted(failed - must - may):
        print(f"  fails, and should not: {name}")
    for name in sorted(must - failed - may):
        print(f"  does not fail, and should: {name}")
    if not counts.get("passed"):
        print(output)
    return bool(counts.get("passed")) and must - may <= failed <= must | may


def main(ways):
    unknown = [way for way in ways if way not in WAYS]
    if unknown:
        sys.exit(f"Unknown: {unknown}. The ways are: {list(WAYS)}")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(os.environ.get("FOLDER") or made)
        folder.mkdir(exist_ok=True)
        tree = prepared(folder)
        if tree is None:
            return
        began = time.monotonic()
        with ThreadPoolExecutor(int(os.environ.get("WORKERS", "2"))) as pool:
            results = pool.map(lambda way: run(tree, way), ways)
            is_right = [compared(way, *result) for way, result in zip(ways, results, strict=True)]
        print(f"in {time.monotonic() - began:.0f} s")
    sys.exit(0 if all(is_right) else 1)


if __name__ == "__main__":
    main(sys.argv[1:] or BY_DEFAULT)
