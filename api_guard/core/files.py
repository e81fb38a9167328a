"""Finds the kind of a file by its first bytes, and checks its name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from api_guard.core.flaws import Flaw
from api_guard.core.text import find_flaw

# The number of bytes that every signature needs.
HEAD = 64
# Device names of Windows. It also accepts spaces after them, and ¹, ² and ³ for digits.
_RESERVED = re.compile(
    r"(?:con|prn|aux|nul|clock\$|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])"
)
# Separators of file systems and shells, and escapes that a server decodes to one of them.
_SEPARATORS = re.compile(r"[/\\:*?\"<>|]|%(?:[01][0-9a-f]|2[ef]|3[ab]|5c|7f)", re.IGNORECASE)
# Some servers execute a file by an extension in the middle, or before a semicolon.
_RUN_BY_SERVERS = re.compile(
    r"\.(?:php\d?|phps|pht|phtml|phar|asp|aspx|asa|ashx|asmx|cer|cfm|jsp|jspx|jspf|cgi|pl|py|rb|sh"
    r"|bash|bat|cmd|ps1|vbs|hta|exe|scr|msi|jar|htaccess|s?html?|xht|xhtml|svgz?|m?js)"
    r"\s*(?=[.;:%&])",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Kind:
    """One kind of file: its content type, its extensions and its signature.

    A kind without a signature is text, unless `is_told_by_library` is true.
    """

    content_type: str
    extensions: tuple[str, ...]
    signature: re.Pattern[bytes] | None = None
    is_told_by_library: bool = False

    @property
    def is_text(self) -> bool:
        """Whether the whole file must be text."""
        return self.signature is None and not self.is_told_by_library


def _kind(content_type: str, extensions: str, signature: bytes | None = None) -> Kind:
    pattern = None if signature is None else re.compile(signature, re.DOTALL)
    return Kind(content_type, tuple(extensions.split()), pattern)


_OFFICE = "application/vnd.openxmlformats-officedocument"
_OPEN = "application/vnd.oasis.opendocument"
_ZIP = rb"PK\x03\x04"
# Browsers execute no kind of these, so HTML and SVG are not here.
KINDS: dict[str, Kind] = {
    "gif": _kind("image/gif", "gif", rb"GIF8[79]a"),
    "jpeg": _kind("image/jpeg", "jpg jpeg", rb"\xff\xd8\xff"),
    "pdf": _kind("application/pdf", "pdf", rb"%PDF-[12]\."),
    "png": _kind("image/png", "png", rb"\x89PNG\r\n\x1a\n"),
    "text": _kind("text/plain", "txt csv"),
    "webp": _kind("image/webp", "webp", rb"RIFF....WEBP"),
    "zip": _kind("application/zip", "zip", _ZIP),
    "csv": _kind("text/csv", "csv"),
    "json": _kind("application/json", "json"),
    "ics": _kind("text/calendar", "ics"),
    "markdown": _kind("text/markdown", "md markdown"),
    "docx": _kind(f"{_OFFICE}.wordprocessingml.document", "docx", _ZIP),
    "xlsx": _kind(f"{_OFFICE}.spreadsheetml.sheet", "xlsx", _ZIP),
    "pptx": _kind(f"{_OFFICE}.presentationml.presentation", "pptx", _ZIP),
    "odt": _kind(f"{_OPEN}.text", "odt", _ZIP),
    "ods": _kind(f"{_OPEN}.spreadsheet", "ods", _ZIP),
    "odp": _kind(f"{_OPEN}.presentation", "odp", _ZIP),
    # The major brand of a file, or a compatible brand (ISO 14496-12 §4.3).
    "avif": _kind(
        "image/avif", "avif", rb"....ftyp(?:avi[fs]|(?:mif1|msf1).{4}(?:.{4}){0,9}avi[fs])"
    ),
    "heic": _kind(
        "image/heic",
        "heic heif",
        rb"....ftyp(?:hei[cxms]|hev[cxms]|(?:mif1|msf1).{4}(?:.{4}){0,9}hei[cx])",
    ),
    "mp4": _kind(
        "video/mp4", "mp4 m4v", rb"....ftyp(?:isom|iso[2-9]|mp4[12]|avc1|M4V[ HP]|MSNV|dash|mmp4)"
    ),
    "mp3": _kind("audio/mpeg", "mp3", rb"ID3[\x02-\x04]|\xff[\xe2-\xe7\xf2-\xf7\xfa-\xfb]"),
}


def kinds_of(head: bytes, allowed: frozenset[str]) -> list[str]:
    """Return the `allowed` kinds of a file that begins with `head`."""
    signed = [name for name, kind in KINDS.items() if kind.signature and kind.signature.match(head)]
    found = [name for name in signed if name in allowed]
    told = [name for name in KINDS if name in allowed and KINDS[name].is_told_by_library]
    # A file with the signature of another kind is not text.
    texts = [name for name in KINDS if name in allowed and KINDS[name].is_text and not signed]
    return found + told + texts


def kind_named(name: str, kinds: Iterable[str]) -> str:
    """Return the kind with the extension of `name`, or the first of `kinds`."""
    extension = name.rpartition(".")[2].lower()
    kinds = list(kinds)
    return next((kind for kind in kinds if extension in KINDS[kind].extensions), kinds[0])


def find_name_flaw(name: str, *, max_length: int, extensions: tuple[str, ...]) -> Flaw | None:
    """Return why a file must not have the name `name`, or None. It must have an extension."""
    flaw = find_flaw(name, newlines=False, max_length=max_length, max_bytes=255)
    if flaw:
        return Flaw(flaw.code, f"The name of the file: {flaw.message}", flaw.position)
    odd = name.startswith(".") or name != name.strip() or ".." in name
    stem = name.partition(".")[0].rstrip().lower()
    if odd or _SEPARATORS.search(name) or _RESERVED.fullmatch(stem) or _RUN_BY_SERVERS.search(name):
        return Flaw("invalid_name", "The name of the file is not allowed.")
    if name.rpartition(".")[2].lower() not in extensions or "." not in name:
        wanted = ", ".join(f".{extension}" for extension in extensions)
        return Flaw("wrong_extension", f"For its content, the name must end in {wanted}.")
    return None
