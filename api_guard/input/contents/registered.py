"""Kinds of files that a project adds: by their first bytes, by a function, or by puremagic."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from django.core.files import File

from api_guard.core.files import KINDS, Kind
from api_guard.core.flaws import Flaw, FlawError
from api_guard.core.words import words
from api_guard.exceptions import GuardError

# What browsers run; serve it as something else, or not at all.
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
    """Add a kind of file, to be named in `types` of the fields; call it at import.

    `signature` is an expression for the first 64 bytes; without it, puremagic has to tell the kind
    by an extension. `check` is given the file, and has to return True. Raises GuardError for a name
    that is taken, for what browsers run, or without puremagic.
    """
    if name in _OURS:
        raise GuardError(f"{name!r} is a kind already. Write another name.")
    if content_type.lower() in _RUN_BY_BROWSERS:
        raise GuardError(f"Browsers run {content_type}. Write another content type, or none.")
    if signature is None:
        _puremagic()
    pattern = None if signature is None else re.compile(signature, re.DOTALL)
    suffixes = tuple(extension.lower().lstrip(".") for extension in extensions)
    KINDS[name] = Kind(content_type, suffixes, pattern, is_told_by_library=signature is None)
    _CHECKS.pop(name, None)
    if check is not None:
        _CHECKS[name] = check


def ask(file: File[Any], kind: str) -> None:
    """Raise FlawError where the project's own function does not return True for `file`."""
    check = _CHECKS.get(kind)
    file.seek(0)
    if check is not None and check(file) is not True:
        raise _other(kind)


def refuse_other(file: File[Any], kind: str) -> None:
    """Raise FlawError where puremagic tells `file` by none of the extensions of `kind`."""
    puremagic = _puremagic()
    file.seek(0)
    head = file.read(_READ)
    try:
        told = puremagic.magic_string(head)
    except puremagic.PureError as error:
        raise _other(kind) from error
    if not {match.extension.lstrip(".") for match in told} & set(KINDS[kind].extensions):
        raise _other(kind)


# The first bytes are what it looks at; the rest would cost as much as there is of it.
_READ = 65_536


def _puremagic() -> Any:
    try:
        import puremagic
    except ImportError as error:
        message = (
            "A kind without a signature is told by puremagic. Write: register_kind(..., "
            'signature=rb"..."), or pip install "drf-api-guard[files]"'
        )
        raise GuardError(message) from error
    return puremagic


def _other(kind: str) -> FlawError:
    return FlawError(Flaw("wrong_type", f"By its content, the file is no {kind}."))
