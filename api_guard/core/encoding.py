"""Normalizes the path, query and fragment of a URL by percent-encoding (RFC 3986 §6.2.2)."""

from __future__ import annotations

import re

# RFC 3986: unreserved characters mean the same, encoded or not.
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_ENCODED = re.compile(r"%([0-9a-fA-F]{2})")
_PARTS = re.compile(r"([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)
# Characters that must be encoded in a path, a query or a fragment, also a "%" without digits.
_RAW = re.compile(r"%(?![0-9A-F]{2})|[^A-Za-z0-9\-._~!$&'()*+,;=:@/?#%\[\]]")


def encoded(rest: str) -> str:
    """Return the normal form of the part of a URL after the host. It is idempotent."""
    rest = _RAW.sub(_as_bytes, _ENCODED.sub(_plainest, rest))
    found = _PARTS.fullmatch(rest)
    path, query, fragment = found.groups("") if found else (rest, "", "")
    # A second "#" must be encoded.
    return _without_dots(path) + query + fragment[:1] + fragment[1:].replace("#", "%23")


def _plainest(found: re.Match[str]) -> str:
    byte = int(found[1], 16)
    return chr(byte) if byte in _UNRESERVED else f"%{found[1].upper()}"


def _as_bytes(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode())


def _without_dots(path: str) -> str:
    """Return `path` with "." and ".." resolved (RFC 3986 §5.2.4). Not every program does this."""
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")[1:]
    for position, segment in enumerate(segments):
        is_last = position == len(segments) - 1
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
            continue
        if is_last:
            kept.append("")
    return "/" + "/".join(kept)
