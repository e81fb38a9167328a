"""Tells what a file is by its content, and whether its name says the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from api_guard.core.flaws import Flaw
from api_guard.core.text import find_flaw

# As many bytes as every signature needs.
HEAD = 16
# Windows opens devices by these names, and every file system has its own separators.
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
_SEPARATORS = frozenset('/\\:*?"<>|')
# Servers have run the middle one of two extensions.
_RUN_BY_SERVERS = re.compile(
    r"\.(?:php\d?|phtml|phar|asp|aspx|jsp|jspx|cgi|pl|py|rb|sh|exe|htaccess|html?|svg|js)(?=\.)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Kind:
    """One kind of file: its content type, its extensions, and how its content begins."""

    content_type: str
    extensions: tuple[str, ...]
    signature: re.Pattern[bytes]


def _kind(content_type: str, extensions: str, signature: bytes) -> Kind:
    return Kind(content_type, tuple(extensions.split()), re.compile(signature, re.DOTALL))


# No kind that a browser runs: neither HTML nor SVG.
KINDS: Mapping[str, Kind] = {
    "gif": _kind("image/gif", "gif", rb"GIF8[79]a"),
    "jpeg": _kind("image/jpeg", "jpg jpeg", rb"\xff\xd8\xff"),
    "pdf": _kind("application/pdf", "pdf", rb"%PDF-[12]\."),
    "png": _kind("image/png", "png", rb"\x89PNG\r\n\x1a\n"),
    # Without a signature: the whole of it must be text.
    "text": _kind("text/plain", "txt csv", rb""),
    "webp": _kind("image/webp", "webp", rb"RIFF....WEBP"),
    "zip": _kind("application/zip", "zip", rb"PK\x03\x04"),
}


def kind_of(head: bytes, allowed: frozenset[str]) -> str | None:
    """Return which of the `allowed` kinds a file is that begins with `head`, or None."""
    for name, kind in KINDS.items():
        if name in allowed and name != "text" and kind.signature.match(head):
            return name
    known = any(name != "text" and kind.signature.match(head) for name, kind in KINDS.items())
    return "text" if "text" in allowed and not known else None


def find_name_flaw(name: str, *, max_length: int, extensions: tuple[str, ...]) -> Flaw | None:
    """Return why a file must not be called `name`, or None; it must end in an extension."""
    flaw = find_flaw(name, newlines=False, max_length=max_length, max_bytes=255)
    if flaw:
        return Flaw(flaw.code, f"The name of the file: {flaw.message}", flaw.position)
    odd = name.startswith(".") or name != name.strip() or _RESERVED.fullmatch(name)
    if odd or _SEPARATORS & set(name) or ".." in name or _RUN_BY_SERVERS.search(name):
        return Flaw("invalid_name", "The file has a name that no file should have.")
    if name.rpartition(".")[2].lower() not in extensions or "." not in name:
        wanted = ", ".join(f".{extension}" for extension in extensions)
        return Flaw("wrong_extension", f"By its content, the file's name should end in {wanted}.")
    return None
