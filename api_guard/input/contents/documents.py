"""Office documents: archives with the declared document type and without macros."""

from __future__ import annotations

from typing import IO

from api_guard.core.files import KINDS
from api_guard.core.flaws import Flaw, FlawError
from api_guard.input.contents.archives import Bounds, read_entries, unpack

_OPEN_XML = ("docx", "xlsx", "pptx")
ARCHIVES = ("zip", *_OPEN_XML, "odt", "ods", "odp")


def refuse_other(file: IO[bytes], size: int, kind: str, bounds: Bounds) -> None:
    """Raise FlawError for an archive over the limits, or a document of another kind."""
    entries = read_entries(file, size, bounds)
    wanted = "[Content_Types].xml" if kind in _OPEN_XML else "mimetype"
    said = unpack(file, entries, wanted=wanted)
    if kind == "zip":
        return
    content_type = KINDS[kind].content_type.encode()
    is_said = content_type + b".main+xml" in said if kind in _OPEN_XML else said == content_type
    names = [entry.name.lower() for entry in entries]
    has_macros = any(
        name.endswith("vbaproject.bin") or name.startswith(("basic/", "scripts/")) for name in names
    )
    if not is_said or has_macros:
        message = f"The file is not {kind}, or it has macros."
        raise FlawError(Flaw("wrong_type", message))
