"""Writes a setting's list of classes, and replaces DRF's classes with api_guard's."""

from __future__ import annotations

import json
from collections.abc import Iterable

from django.conf import settings
from rest_framework import parsers, renderers

from api_guard.access.endpoints import dotted_path, function_of

_OWN: dict[type, str] = {
    parsers.JSONParser: "api_guard.parsers.JSONParser",
    parsers.FormParser: "api_guard.parsers.FormParser",
    parsers.MultiPartParser: "api_guard.parsers.MultiPartParser",
    renderers.JSONRenderer: "api_guard.renderers.JSONRenderer",
}


def parsers_line(classes: Iterable[type]) -> str:
    """Return a list of parsers, as JSON."""
    return json.dumps([own_path(cls) for cls in classes])


def own_path(cls: type) -> str:
    """Return the path of our class instead of DRF's, or of `cls` itself."""
    return _OWN.get(cls) or dotted_path(cls)


def renderers_line(classes: Iterable[type]) -> str:
    """Return a list of renderers, as JSON; the browsable API is for development."""
    return parsers_line(kept_renderers(classes))


def kept_renderers(classes: Iterable[type]) -> list[type]:
    """Return renderers without the browsable API, unless this is a development server."""
    kept = [cls for cls in classes if settings.DEBUG or not is_browsable(cls)]
    return kept or [renderers.JSONRenderer]


def view_line(view_class: type, attribute: str, classes: Iterable[type]) -> str:
    """Return the line of a view, with ours instead of DRF's, and what it has to import."""
    paths = [own_path(cls).rpartition(".") for cls in classes]
    listed = f"[{', '.join(name for _, _, name in paths)}]"
    is_function = function_of(view_class) is not None
    line = f"@{attribute}({listed})" if is_function else f"{attribute} = {listed}"
    ours = [each for each in paths if ".".join((each[0], each[2])) in _OWN.values()]
    imports = ", ".join(dict.fromkeys(name for _, _, name in ours))
    return f"{line}  # from {ours[0][0]} import {imports}" if ours else line


def is_browsable(cls: type) -> bool:
    """Whether a renderer is the browsable API."""
    return issubclass(cls, renderers.BrowsableAPIRenderer)


def is_of_drf(cls: type) -> bool:
    """Whether one of our classes replaces this class of DRF."""
    return cls in _OWN


def bounded_base(cls: type) -> str | None:
    """Return our replacement for the parser of DRF that `cls` is derived from."""
    return next((_OWN[base] for base in cls.__mro__[1:] if base in _OWN), None)
