"""Finds the line of the project's own code that a message names."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from api_guard.adoption.places import file_of, is_own, root_of

_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.\w+)+")
_WORD = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class Place:
    """A file, relative to the git root, and a line of it."""

    file: str
    line: int


def place_of(message: str) -> Place | None:
    """Return the definition that a message names first: of a view, or of a setting."""
    settings_module = getattr(settings, "SETTINGS_MODULE", "")
    home = file_of(sys.modules.get(settings_module))
    root = Path.cwd() if home is None else root_of(home)
    for name in (*_modules_in(message), settings_module):
        path = file_of(sys.modules.get(name))
        if path is None or not is_own(path, root):
            continue
        lines = _definitions(path)
        words = _WORD.findall(message.replace(name, ""))
        found = next((lines[word] for word in words if word in lines), None)
        if found is not None or name != settings_module:
            return Place(path.relative_to(root).as_posix(), found or 1)
    return None


def _modules_in(message: str) -> Iterator[str]:
    """Yield each module that the dotted names of a message lead to."""
    for dotted in _DOTTED.findall(message):
        parts = dotted.split(".")
        names = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
        found = next((name for name in names if name in sys.modules), None)
        if found is not None:
            yield found


def _definitions(path: Path) -> dict[str, int]:
    """Return the line of each class, function and constant of a module."""
    found: dict[str, int] = {}
    with suppress(OSError, SyntaxError, ValueError):
        for node in ast.parse(path.read_bytes()).body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                found.setdefault(node.name, node.lineno)
            elif isinstance(node, ast.Assign):
                names = [each.id for each in node.targets if isinstance(each, ast.Name)]
                found.update({name: node.lineno for name in names if name not in found})
    return found
