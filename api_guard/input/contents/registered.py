"""File kinds of a project, found by the first bytes, by a function, or by puremagic."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from django.core.files import File

from api_guard.core.files import KINDS, Kind
from api_guard.core.flaws import Flaw, FlawError
from api_guard.core.names import words
from api_guard.exceptions import GuardError

# Browsers execute these types. A project should serve them as another type, or not at all.
_RUN_BY_BROWSERS = words(
    "text/html application/xhtml+xml image/svg+xml text/xml application/xml text/javascript"
    " application/javascript"
)
Check = Callable[["File[Any]"], bool]
_CHECKS: dict[str, Check] = {}
_OURS = frozenset(KINDS)


def register_kind(
    name: str,
    content_type: str,
    *,
    extensions: Iterable[str],
    signature: bytes | None = None,
    check: Check | None = None,
) -> None:
    """Add a file kind, which `types` of the fields can use. Call it at import time.

    `signature` is a regular expression for the first 64 bytes. Without it, puremagic finds the kind
    by an extension. `check` gets the file and has to return True. Raises GuardError for a name that
    exists, for a type that browsers execute, or if puremagic is needed but not installed.
    """
    if name in _OURS:
        raise GuardError(f"The file kind {name!r} already exists. Write another name.")
    if content_type.lower() in _RUN_BY_BROWSERS:
        raise GuardError(f"Browsers execute {content_type}. Write another content type.")
    if signature is None:
        _puremagic()
    pattern = None if signature is None else re.compile(signature, re.DOTALL)
    suffixes = tuple(extension.lower().lstrip(".") for extension in extensions)
    KINDS[name] = Kind(content_type, suffixes, pattern, is_told_by_library=signature is None)
    _CHECKS.pop(name, None)
    if check is not None:
        _CHECKS[name] = check


def ask(file: File[Any], kind: str) -> None:
    """Raise FlawError if the project's function does not return True for `file`."""
    check = _CHECKS.get(kind)
    file.seek(0)
    if check is not None and check(file) is not True:
        raise _other(kind)


def refuse_other(file: File[Any], kind: str) -> None:
    """Raise FlawError if puremagic does not find an extension of `kind` for `file`."""
    puremagic = _puremagic()
    file.seek(0)
    head = file.read(_READ)
    try:
        told = puremagic.magic_string(head)
    except puremagic.PureError as error:
        raise _other(kind) from error
    if not {match.extension.lstrip(".") for match in told} & set(KINDS[kind].extensions):
        raise _other(kind)


# puremagic needs only the first bytes. Reading the rest would cost time.
_READ = 65_536


def _puremagic() -> Any:
    try:
        import puremagic
    except ImportError as error:
        message = (
            "A file kind without a signature needs puremagic. Write: register_kind(..., "
            'signature=rb"..."), or pip install "drf-api-guard[files]"'
        )
        raise GuardError(message) from error
    return puremagic


def _other(kind: str) -> FlawError:
    return FlawError(Flaw("wrong_type", f"The content of the file is not {kind}."))
