"""Reads compiled code: the names it uses, its attributes of `self`, what it calls or raises."""

from __future__ import annotations

import dis
import sys
from collections.abc import Iterator
from types import CodeType

# Since 3.12, the lowest bit of LOAD_ATTR means that a method is called.
_ATTRIBUTE_CALLS = sys.version_info >= (3, 12)
_LATER = 0x20 | 0x80 | 0x200  # a generator, a coroutine, an asynchronous generator


def codes_in(code: CodeType) -> Iterator[CodeType]:
    """Yield `code` and all code defined in it, such as a lambda."""
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from codes_in(each)


def names_in(code: CodeType) -> set[str]:
    """Return every global and attribute that `code` names, also through `getattr` and the like."""
    codes = list(codes_in(code))
    names = {name for each in codes for name in each.co_names}
    if names & {"getattr", "methodcaller", "attrgetter"}:
        names |= {text for each in codes for text in each.co_consts if isinstance(text, str)}
    return names


def runs_later(code: CodeType) -> bool:
    """Whether a call does not run the code yet, as for a coroutine or a generator."""
    return bool(code.co_flags & _LATER)


def has_raise(code: CodeType) -> bool:
    """Whether `code` contains a `raise`."""
    return any(
        step.opname == "RAISE_VARARGS"
        for each in codes_in(code)
        for step in dis.get_instructions(each)
    )


def asked_of_self(code: CodeType) -> set[str]:
    """Return the attributes of the first argument that `code` reads."""
    if not code.co_argcount:
        return set()
    itself = code.co_varnames[0]
    return {path[1] for path, _ in _paths(code) if path[0] == itself and len(path) > 1}


def calls(code: CodeType) -> Iterator[tuple[str, ...]]:
    """Yield the names that are called, such as ("self", "deny") or ("abort",)."""
    yield from (path for path, is_call in _paths(code) if is_call)


def _paths(code: CodeType) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Yield every dotted name that the code reads, and whether it calls it."""
    for each in codes_in(code):
        path: tuple[str, ...] = ()
        is_call = False
        for step in dis.get_instructions(each):
            if path and step.opname in ("LOAD_ATTR", "LOAD_METHOD"):
                path += (str(step.argval),)
                is_call = step.opname == "LOAD_METHOD" or _is_flagged(step, _ATTRIBUTE_CALLS)
                continue
            if path:
                yield path, is_call
            path = _name_of(step)
            is_call = step.opname == "LOAD_GLOBAL" and _is_flagged(step, True)


def _is_flagged(step: dis.Instruction, has_flag: bool) -> bool:
    return has_flag and bool((step.arg or 0) & 1)


def _name_of(step: dis.Instruction) -> tuple[str, ...]:
    if not step.opname.startswith(("LOAD_FAST", "LOAD_DEREF", "LOAD_GLOBAL")):
        return ()
    # Since 3.13, one step may load two variables; an attribute is read from the last.
    return (str(step.argval[-1] if isinstance(step.argval, tuple) else step.argval),)
