"""Frames that show pages of listed hosts, in a sandbox."""

from __future__ import annotations

from api_guard.core.flaws import FlawError
from api_guard.core.urls import read_url
from api_guard.core.words import words

# A player needs its own scripts and its own origin; it opens no window and leads this page nowhere.
SANDBOX = "allow-scripts allow-same-origin allow-presentation"
_SCHEMES = words("https")


def kept(name: str, value: str, hosts: frozenset[str]) -> str | None:
    """Return what may stay of the `src` or the `sandbox` of a frame, or None."""
    if name == "sandbox":
        return value if value == SANDBOX else None
    # Editors write addresses without a scheme, which are read by that of the page.
    url = f"https:{value}" if value.startswith("//") else value
    try:
        read = read_url(url, schemes=_SCHEMES, public_only=True)
    except FlawError:
        return None
    return str(read) if read.host in hosts and read.port is None else None
