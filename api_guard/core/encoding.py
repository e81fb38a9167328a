"""The path, the query and the fragment of a URL in one form: percent-encoded (RFC 3986 §6.2.2)."""

from __future__ import annotations

import re

# RFC 3986: unreserved characters stand for themselves, whether they are encoded or not.
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_ENCODED = re.compile(r"%([0-9a-fA-F]{2})")
_PARTS = re.compile(r"([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)
# What may stand in a path, a query or a fragment as it is; a "%" that encodes nothing may not.
_RAW = re.compile(r"%(?![0-9A-F]{2})|[^A-Za-z0-9\-._~!$&'()*+,;=:@/?#%\[\]]")


def encoded(rest: str) -> str:
    """Return what follows the host of a URL in its one form; to encode that changes nothing."""
    rest = _RAW.sub(_as_bytes, _ENCODED.sub(_plainest, rest))
    found = _PARTS.fullmatch(rest)
    path, query, fragment = found.groups("") if found else (rest, "", "")
    # A second "#" would end the fragment that it stands in.
    return _without_dots(path) + query + fragment[:1] + fragment[1:].replace("#", "%23")


def _plainest(found: re.Match[str]) -> str:
    byte = int(found[1], 16)
    return chr(byte) if byte in _UNRESERVED else f"%{found[1].upper()}"


def _as_bytes(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode())


def _without_dots(path: str) -> str:
    """Return `path` without "." and ".." (RFC 3986 §5.2.4), which programs resolve or send."""
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
