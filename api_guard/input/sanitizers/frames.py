"""Frames in a sandbox, for pages of listed hosts."""

from __future__ import annotations

from api_guard.core.flaws import FlawError
from api_guard.core.names import words
from api_guard.core.urls import read_url

# A player needs its scripts and its origin. It cannot open windows or navigate this page.
SANDBOX = "allow-scripts allow-same-origin allow-presentation"
_SCHEMES = words("https")


def kept(name: str, value: str, hosts: frozenset[str]) -> str | None:
    """Return the safe `src` or `sandbox` of a frame, or None."""
    if name == "sandbox":
        return value if value == SANDBOX else None
    # Editors write URLs without a scheme, which use the scheme of the page.
    url = f"https:{value}" if value.startswith("//") else value
    try:
        read = read_url(url, schemes=_SCHEMES, public_only=True)
    except FlawError:
        return None
    return str(read) if read.host in hosts and read.port is None else None
