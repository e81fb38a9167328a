"""Finds the line of a view, for the message of a failure."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from api_guard.access.endpoints import function_of


def place_of(view: Any) -> str:
    """Return ` (file:line)` of a view, or "" where there is no source."""
    # What the guard or @api_view has made a class of.
    made_of = getattr(view, "plain", None) or (function_of(view) if inspect.isclass(view) else None)
    source = inspect.unwrap(made_of) if made_of is not None else view
    source = getattr(source, "view_class", source)
    try:
        file, (_, line) = inspect.getsourcefile(source), inspect.getsourcelines(source)
    except (OSError, TypeError):
        return ""
    path = Path(str(file)).resolve()
    here = Path.cwd()
    shown = path.relative_to(here) if path.is_relative_to(here) else path
    return f" ({shown}:{line})"
