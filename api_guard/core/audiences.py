"""Tells whether a token for certain resources is valid at this API (RFC 8707)."""

from __future__ import annotations

import posixpath
from collections.abc import Collection
from urllib.parse import unquote, urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def is_meant_for(resources: Collection[str], audience: Collection[str], path: str) -> bool:
    """Whether one of a token's `resources` is this API, or a part of it that contains `path`.

    `audience` are the identifiers of this API. A token for a resource below one of them is valid
    only for paths below that resource.
    """
    return any(
        resource == own or (_is_below(resource, own) and _is_below(_at(own, path), resource))
        for own in audience
        for resource in resources
    )


def _at(identifier: str, path: str) -> str:
    parts = urlsplit(identifier)
    return f"{parts.scheme}://{parts.netloc}{path}"


def _is_below(uri: str, base: str) -> bool:
    ours, theirs = _read(uri), _read(base)
    if ours is None or theirs is None:
        return False
    return ours[:3] == theirs[:3] and f"{ours[3]}/".startswith(f"{theirs[3].rstrip('/')}/")


def _read(uri: str) -> tuple[str, str, int | None, str] | None:
    """Return scheme, host, port and path; None if parsers would read the URL differently."""
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return None
    if not parts.scheme or not parts.hostname or "@" in parts.netloc or "#" in uri or "\\" in uri:
        return None
    path = posixpath.normpath("/" + unquote(parts.path).lstrip("/"))
    scheme = parts.scheme.lower()
    return scheme, parts.hostname.lower(), port or _DEFAULT_PORTS.get(scheme), path
