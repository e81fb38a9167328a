"""Projects that a test writes, each in a git repository of its own."""

from __future__ import annotations

import subprocess


def git(folder, *command, **options):
    return subprocess.run(["git", *command], cwd=folder, check=True, **options)


def written(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    git(folder, "init", "-q")
    return folder
