"""Every use of `unheld` in the code of the project's apps."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.apps import apps

_NAME = "unheld"


@dataclass(frozen=True)
class Unheld:
    """One use: its place, its models and its reason."""

    place: str
    models: str
    why: str


def uses_of_unheld() -> Iterator[Unheld]:
    """Yield every call of `unheld` in the loaded modules of installed apps."""
    names = {config.name for config in apps.get_app_configs()} - {"api_guard"}
    for name, module in sorted(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if path and path.endswith(".py") and any(_is_in(name, app) for app in names):
            yield from _uses_in(name, Path(path))


def _is_in(module: str, app: str) -> bool:
    return module == app or module.startswith(f"{app}.")


def _uses_in(module: str, path: Path) -> Iterator[Unheld]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return
    if _NAME not in text:
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and _called(node.func) == _NAME:
            why = next((each.value for each in node.keywords if each.arg == "why"), None)
            said = why.value if isinstance(why, ast.Constant) else why and ast.unparse(why)
            models = ", ".join(map(ast.unparse, node.args))
            yield Unheld(f"{module}:{node.lineno}", models, str(said or ""))


def _called(function: ast.expr) -> str:
    return str(getattr(function, "attr", None) or getattr(function, "id", ""))
