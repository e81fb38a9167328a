"""Finds the project's own files, and the root of its repository."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

_FOREIGN = {"site-packages", "dist-packages", "node_modules"}


def root_of(path: Path) -> Path:
    """Return the git root above a file; without one, the current directory."""
    for folder in path.resolve().parents:
        # In a worktree or a submodule, .git is a file.
        if (folder / ".git").exists():
            return folder
    return Path.cwd()


def file_of(module: ModuleType | None) -> Path | None:
    """Return the source file of a module."""
    name = getattr(module, "__file__", None)
    path = Path(name).resolve() if name else None
    return path if path is not None and path.suffix == ".py" and path.is_file() else None


def is_own(path: Path, root: Path) -> bool:
    """Whether a file is the project's own: in its repository, but not in an environment there."""
    if not path.is_relative_to(root):
        return False
    parts = path.relative_to(root).parts[:-1]
    prefix = Path(sys.prefix).resolve()
    in_environment = prefix != root and prefix.is_relative_to(root) and path.is_relative_to(prefix)
    return not in_environment and not any(
        part in _FOREIGN or part.startswith(".") for part in parts
    )
